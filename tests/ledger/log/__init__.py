"""Tests of ledger/log/."""
