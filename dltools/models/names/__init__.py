"""Names that no one has heard, after a list of names that are."""
