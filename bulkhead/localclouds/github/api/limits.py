"""GitHub's primary rate limit: so many requests an hour for each account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

_HOUR: Final = 3600


class RateLimits:
    """Counts the requests of each account. ``clock`` is for tests."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def spend(self, login: str, *, free: bool) -> tuple[bool, Mapping[str, int]]:
        """Count one request, unless it is ``free``. Return whether it was still within the limit, and how the account
        stands."""
        now = int(self._clock())
        with self._lock:
            used, reset = self._windows.get(login, (0, 0))
            if now >= reset:
                used, reset = 0, now + _HOUR
            wanted = used + (not free)
            used = min(wanted, self._limit)
            self._windows[login] = (used, reset)
        return wanted <= self._limit, {
            "limit": self._limit,
            "remaining": self._limit - used,
            "reset": reset,
            "used": used,
        }


def as_headers(rate: Mapping[str, int]) -> dict[str, str]:
    """Return what GitHub's answers say of the limit."""
    return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in rate.items()} | {
        "X-RateLimit-Resource": "core"
    }
