"""After-sales cases: goods that come back and money that goes back."""
