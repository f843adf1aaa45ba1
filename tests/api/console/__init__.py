"""Tests of api/console/."""
