"""The local GitHub: its REST API over the records of the local clouds."""
