"""Warehouses, SKUs and the pieces that lie in them."""
