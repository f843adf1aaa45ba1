"""An order from placing to its end: payment, review, shipping, and what files declare of it."""
