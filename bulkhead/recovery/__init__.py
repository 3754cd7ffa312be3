"""What brings data back: a restore of one database, by the cause of its loss."""
