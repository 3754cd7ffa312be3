"""What a change would do to a stage: what the engine says before it does anything, and what of that is a loss."""
