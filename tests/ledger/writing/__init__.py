"""Tests of ledger/writing/."""
