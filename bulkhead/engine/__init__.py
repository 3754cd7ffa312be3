"""Finds or fetches the real Pulumi engine, gives it a copy of a stage's settings, and runs its operations on the
stage."""
