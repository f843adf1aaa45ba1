"""Who did what, and when: trails and timelines."""
