"""A stage's secrets: whether they are all there and young enough, storing one, and rotating the stage's tokens."""
