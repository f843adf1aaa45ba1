"""Tests of api/console/sentences/."""
