"""What the tests stand on: builders, casts, servers, and readers of the source."""
