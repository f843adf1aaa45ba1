"""Tests of ledger/people/."""
