"""What came in of a month against what its orders cost: the figures, and who signed them."""
