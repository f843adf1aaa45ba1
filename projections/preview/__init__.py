"""What commands would touch, before they are recorded."""
