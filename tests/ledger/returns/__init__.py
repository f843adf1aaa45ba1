"""Tests of ledger/returns/."""
