"""What a stage may never be: rules about what the engine shows, judged against the product and the settings."""
