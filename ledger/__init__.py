"""The ledger: facts, the rules that decide them, and the log that keeps them."""
