"""The command line: `bulkhead ...`."""
