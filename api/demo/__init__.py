"""The story that the demo records and tells."""
