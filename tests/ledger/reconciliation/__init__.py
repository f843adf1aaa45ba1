"""Tests of ledger/reconciliation/."""
