"""What a stage is made of: one component resource per file, each saying what it makes, what it leaves out and why."""
