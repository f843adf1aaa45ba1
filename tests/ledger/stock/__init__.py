"""Tests of ledger/stock/."""
