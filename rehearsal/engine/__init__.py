"""The real Pulumi engine: found or built, given a copy of a stage's settings, and told what to do with the stage."""
