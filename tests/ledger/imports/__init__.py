"""Tests of ledger/imports/."""
