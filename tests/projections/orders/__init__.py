"""Tests of projections/orders/."""
