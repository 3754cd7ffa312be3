"""A D1 database as SQL and back, value for value. `dump.py` writes, `load.py` reads, `fingerprint.py` compares."""
