"""What a stage may never be: rules that compare the engine's resources with the product and the settings."""
