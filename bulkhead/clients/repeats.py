"""When a request is made again, and after how long: the one policy for all APIs.

A read, a PUT and a DELETE come to the same however often they are made. A POST or a PATCH does not: the vendors' own
clients repeat one after a 502 that was answered when the work was done, and then a token exists twice, of which one is
nobody's. So a write of that kind is repeated only when nobody can have done it, or when the caller says that it may be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

READS: Final = frozenset({"GET", "HEAD"})
REPEATABLE: Final = READS | {"PUT", "DELETE"}
_LONGEST: Final = 60.0  # seconds; of a longer wait a person is told
_DAY: Final = 86_400.0  # seconds
_PAUSES: Final = (0.5, 1.0, 2.0)  # seconds before each repetition
# A gateway's own answers; 520 to 524 are of Cloudflare's network, which its API is behind ("Cloudflare 5xx errors").
_GATEWAY: Final = frozenset({502, 503, 504, *range(520, 525)})
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NEVER_SENT: Final = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)

Outcome = httpx.Response | httpx.RequestError


@dataclass(frozen=True, slots=True)
class Patience:
    """A clock (seconds since 1970) and what waits (seconds); tests bring others."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def pause(self, outcome: Outcome, repeated: int, *, repeatable: bool) -> float | None:
        """Return after how many seconds to repeat what came to ``outcome``, None where it must not or need not be."""
        if repeated == len(_PAUSES) or not _may_pass(outcome) or (may_be_done(outcome) and not repeatable):
            return None
        seconds = max(_PAUSES[repeated], self.asked_for(outcome))
        return seconds if seconds <= _LONGEST else None

    def asked_for(self, outcome: Outcome) -> float:
        """Return how many seconds the API asks to be left alone, 0 where it does not say, a day at most."""
        if not isinstance(outcome, httpx.Response):
            return 0.0
        after, until = outcome.headers.get("Retry-After", ""), outcome.headers.get("X-RateLimit-Reset", "")
        if after.isdecimal():
            seconds = float(after)
        elif not after and _is_used_up(outcome) and until.isdecimal():
            seconds = float(until) - self.now()
        else:
            try:
                seconds = parsedate_to_datetime(after).timestamp() - self.now()
            except (ValueError, OverflowError):  # also of a date that no clock will show
                return 0.0
        return min(seconds, _DAY)


def may_be_done(outcome: Outcome) -> bool:
    """Whether what failed may have been done all the same."""
    if isinstance(outcome, httpx.Response):
        return outcome.is_server_error
    return not isinstance(outcome, (*_UNSENT, *_NEVER_SENT))


def _may_pass(outcome: Outcome) -> bool:
    """Whether the same request may come to something else a little later."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _GATEWAY or is_limited(outcome)
    return isinstance(outcome, httpx.TransportError) and not isinstance(outcome, _NEVER_SENT)


def is_limited(response: httpx.Response) -> bool:
    """Whether too much was asked: nothing was done then. GitHub says it with 403 as well (REST API, "Rate limits")."""
    return response.status_code == httpx.codes.TOO_MANY_REQUESTS or (
        response.status_code == httpx.codes.FORBIDDEN and ("Retry-After" in response.headers or _is_used_up(response))
    )


def _is_used_up(response: httpx.Response) -> bool:
    return bool(response.headers.get("X-RateLimit-Remaining") == "0")
