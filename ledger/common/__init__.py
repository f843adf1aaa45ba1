"""Values, days, moments, errors and personal fields: the words that every package shares."""
