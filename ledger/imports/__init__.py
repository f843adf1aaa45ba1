"""Files that platforms export, read by profiles (data, no code) and recorded as orders."""
