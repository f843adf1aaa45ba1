"""Published score rules, scorecards, pay and deadlines: versions of one book."""
