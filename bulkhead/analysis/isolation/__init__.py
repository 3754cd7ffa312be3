"""Whether the plans of several stages are apart: no stage points at, or makes, what belongs to another (pure)."""
