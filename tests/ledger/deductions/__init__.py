"""Tests of ledger/deductions/."""
