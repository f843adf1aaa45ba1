"""The engine of read models: databases, rows, folding, rebuilding and digests."""
