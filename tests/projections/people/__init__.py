"""Tests of projections/people/."""
