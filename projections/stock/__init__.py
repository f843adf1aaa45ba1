"""Levels, movements and discrepancies as rows and reports."""
