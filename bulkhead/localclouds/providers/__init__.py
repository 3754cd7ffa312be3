"""Provider servers of our own for cloudflare, aws and github; the engine attaches to them, not to the real plugins."""
