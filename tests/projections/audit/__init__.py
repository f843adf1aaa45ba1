"""Tests of projections/audit/."""
