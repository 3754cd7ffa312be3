"""The REST API of the local GitHub."""
