"""Tests of api/demo/."""
