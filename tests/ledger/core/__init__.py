"""Tests of ledger/core/."""
