"""Durations as Cloudflare writes them: ``24h``, ``2h45m`` (pure)."""

from __future__ import annotations

import re
from typing import Any, Final

_UNITS: Final = {"h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")


def seconds(duration: Any) -> float | None:
    """Return how long ``2h45m`` lasts, None for what is no duration."""
    parts = _PART.findall(duration) if isinstance(duration, str) else []
    whole = "".join(number + unit for number, unit in parts)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts and whole == duration else None
