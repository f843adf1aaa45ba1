"""Where `flask` finds the application."""

import gc
import sys

from api import create_app

app = create_app()

# What is loaded by now is never garbage, and a batch of events makes thousands of objects that die
# together: with Python's own settings a fifth of all time goes into looking for cycles among them.
gc.freeze()
gc.set_threshold(10_000, 20, 20)

# A thread that comes back from the database waits this long, at most, for one that computes: with
# Python's own 5 ms a read of ten statements among sixteen others takes fifty of them.
sys.setswitchinterval(0.0005)
