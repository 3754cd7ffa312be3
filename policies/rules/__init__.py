"""The rules, one file per theme, and what themes share."""
