"""Tests of projections/asking/."""
