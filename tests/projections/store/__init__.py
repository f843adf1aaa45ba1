"""Tests of projections/store/."""
