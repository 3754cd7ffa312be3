"""Who may do what to a stage: its roles, tokens and GitHub environments, as a stack of their own."""
