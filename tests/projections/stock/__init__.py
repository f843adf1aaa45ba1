"""Tests of projections/stock/."""
