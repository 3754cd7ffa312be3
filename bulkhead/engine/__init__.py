"""The real Pulumi engine: found or fetched, given a copy of a stage's settings, and told what to do with the stage."""
