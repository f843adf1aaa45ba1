"""Read models: folds of the log, kept in a database of their own and answered as of any moment."""
