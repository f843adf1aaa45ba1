"""Tests of projections/scores/."""
