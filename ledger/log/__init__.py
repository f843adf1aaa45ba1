"""The event log: an append-only, provable sequence of facts on three kinds of store."""
