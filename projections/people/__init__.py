"""Members, posts, shifts and attendance as rows and reports."""
