"""Tests of ledger/fulfilment/."""
