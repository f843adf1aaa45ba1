"""A member's account of points, a month's figures, and how months are sealed."""
