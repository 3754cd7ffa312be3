"""One HTTP request to this machine, its path and its headers as they are."""

from __future__ import annotations

import http.client
import json as _json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.model.failures import Failed

_TIMEOUT: Final = 60.0  # seconds; the host gives up on a Worker after 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What a Worker answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return the body as JSON. Raises ValueError when it is none."""
        return _json.loads(self.body)


def with_body(headers: Mapping[str, str] | None, json: Any, body: bytes | None) -> tuple[dict[str, str], bytes | None]:
    """Return the headers and the body of a request that has a body, or JSON instead."""
    if json is None:
        return dict(headers or {}), body
    return {"Content-Type": "application/json", **(headers or {})}, _json.dumps(json).encode()


def ask(netloc: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    """Send a request to this machine, its path as it is. Raises Failed when nobody answers."""
    with closing(http.client.HTTPConnection(netloc, timeout=_TIMEOUT)) as connection:
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"the local Cloudflare at {netloc} does not answer", [str(error)]) from error
