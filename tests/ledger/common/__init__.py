"""Tests of ledger/common/."""
