"""Members, posts, rosters, attendance and leave, and who may decide for whom."""
