"""The ledger: facts, the rules that decide them, and the log that keeps them."""

__version__ = "0.1.0"
