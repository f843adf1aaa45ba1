"""Tests of ledger/handlers/."""
