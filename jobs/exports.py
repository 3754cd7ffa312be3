"""A Worker that exports Durable Objects, as the jobs ask it: by a key that the stage's jobs alone have.

Cloudflare's API lists objects and hands out nothing of them, so the product's own code has to (worker/src/shared).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

LIMIT: Final = 1000
"""Lines of a page, at most."""
_TIMEOUT: Final = 60.0  # seconds
_PAUSES: Final = (0.5, 2.0, 5.0)  # seconds before each repetition
_SERVER: Final = 500
_LIMITED: Final = 429
_CUT: Final = 300  # characters of what a Worker says


class ExportFailed(Exception):
    """The Worker refused, or gave no answer."""


class _Straight(HTTPRedirectHandler):
    """Follows no redirect: the key would go along."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Exporter:
    """The Worker at ``url``. ``headers`` are what the stage's login wants, where it has one."""

    url: str
    key: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        at = urlsplit(self.url)
        if at.scheme != "https" and at.hostname != "127.0.0.1":
            raise ExportFailed(f"{self.url}: a key is sent to an https address only")

    def page(self, class_: str, id_: str, after: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return a page of an object, after a position of the page before. Raises ExportFailed."""
        url = f"{self.url.rstrip('/')}/exports/{class_}/{id_}"
        body = json.dumps({"after": after, "limit": LIMIT}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}", **self.headers}
        request = Request(url, body, headers, method="POST")  # noqa: S310 - the scheme is looked at above
        for pause in (*_PAUSES, None):
            try:
                with build_opener(_Straight, ProxyHandler({})).open(request, timeout=_TIMEOUT) as response:
                    found = json.load(response)
            except HTTPError as refused:
                with refused:
                    why = f"{refused.code} {self._told(refused.read(_CUT))}"
                if pause is None or (refused.code < _SERVER and refused.code != _LIMITED):
                    raise ExportFailed(f"{class_} {id_}: {why}") from None
            except (HTTPException, URLError, OSError, ValueError) as error:
                if pause is None:
                    raise ExportFailed(f"{class_} {id_}: no answer ({type(error).__name__})") from None
            else:
                if not isinstance(found, dict) or not {"counter", "lines", "next"} <= found.keys():
                    raise ExportFailed(f"{class_} {id_}: an answer that is no page of an export")
                return found
            self.sleep(pause)
        raise AssertionError  # the last pause is None

    def _told(self, said: bytes) -> str:
        return " ".join(said.decode(errors="replace").replace(self.key, "***").split())
