"""Points that are proposed, decided, appealed against, and who is liable for them."""
