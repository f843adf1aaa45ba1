"""Months, grades and scores as rows and reports."""
