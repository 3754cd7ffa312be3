"""Who may do what to which resource of a stage, read from its plan and from nothing else (pure)."""
