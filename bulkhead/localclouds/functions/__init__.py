"""Runs the functions of the local AWS as Lambda does, and calls them when their schedules say."""
