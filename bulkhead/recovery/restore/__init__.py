"""One database as it was: at a moment, from a backup, or before the last restore; or only some of its rows."""
