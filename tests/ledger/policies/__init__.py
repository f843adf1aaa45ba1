"""Tests of ledger/policies/."""
