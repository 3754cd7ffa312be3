"""How often one credential may ask: a fixed number of requests in each window of time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request: ``remaining`` of ``quota`` requests, until ``reset`` seconds from now. ``refused``
    says that this one was too much."""

    quota: int
    window: int
    remaining: int
    reset: int
    refused: bool


class RateLimit:
    """Counts the requests of each credential. Safe to use from several threads; ``clock`` is in seconds."""

    def __init__(self, quota: int, window: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._quota = quota
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, tuple[float, int]] = {}

    def count(self, who: str, requests: int = 1) -> Allowance:
        """Count a request, or none if it is free, and return what is left."""
        with self._lock:
            now = self._clock()
            began, used = self._used.get(who, (now, 0))
            if now >= began + self._window:
                began, used = now, 0
            used += requests
            self._used[who] = (began, used)
        reset = max(1, round(began + self._window - now))
        return Allowance(self._quota, self._window, max(0, self._quota - used), reset, refused=used > self._quota)
