"""What a change would do to a stage: reads the engine's preview, and finds the losses in it."""
