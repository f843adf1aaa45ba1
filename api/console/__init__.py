"""The console: pages for people who have no shell."""
