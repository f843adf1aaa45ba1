"""Files that platforms export, read with profiles (data, not code) and recorded as orders."""
