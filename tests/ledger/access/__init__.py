"""Tests of ledger/access/."""
