"""Where `flask` finds the application."""

import gc

from api import create_app

app = create_app()

# What is loaded by now is never garbage, and a batch of events makes thousands of objects that die
# together: with Python's own settings a fifth of all time goes into looking for cycles among them.
gc.freeze()
gc.set_threshold(10_000, 20, 20)
