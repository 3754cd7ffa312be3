"""What the local clouds that speak HTTP have in common: the server, the record of every call, planned faults."""
