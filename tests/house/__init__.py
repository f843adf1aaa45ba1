"""Rules of the house, as far as a machine can check them."""
