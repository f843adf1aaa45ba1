"""Erasing persons: who asks, who confirms, who is held, and who goes together."""
