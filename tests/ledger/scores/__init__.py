"""Tests of ledger/scores/."""
