"""A stage's backups as a person sees them: which there are, whether they are any good, and what is in them."""
