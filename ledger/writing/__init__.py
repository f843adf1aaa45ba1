"""The engine: one writer thread decides commands in batches and commits what they record."""
