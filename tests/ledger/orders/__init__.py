"""Tests of ledger/orders/."""
