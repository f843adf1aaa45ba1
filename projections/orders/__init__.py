"""Orders as rows, their sums, and what their fulfilment is about."""
