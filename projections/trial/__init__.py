"""The history on trial: what each event changed, which event a fact is due to, what differs between
two moments, and what would be known without some events."""
