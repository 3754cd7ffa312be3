"""Files that a client sends or fetches by a signed URL instead of a token; at the vendor, they are on another host."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import Final

from bulkhead.localclouds.cloudflare.api.answers import Refusal
from bulkhead.localclouds.cloudflare.api.credentials import Credential

PATH: Final = "/signed-files/{name}"
_HOUR: Final = 3600.0  # seconds that a URL opens something; source: D1's API reference, "Export D1 Database as SQL"


@dataclass(frozen=True, slots=True)
class _Signed:
    method: str
    name: str
    credential: Credential
    until: float


class Files:
    """The files of one API, by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contents: dict[str, bytes] = {}
        self._signed: dict[str, _Signed] = {}

    def sign(self, method: str, name: str, credential: Credential, now: float) -> str:
        """Return the path and query that let anybody send (PUT) or fetch (GET) a file for an hour."""
        signature = secrets.token_urlsafe(32)
        with self._lock:
            self._forget(now)
            self._signed[signature] = _Signed(method, name, credential, now + _HOUR)
        return f"{PATH.format(name=name)}?signature={signature}"

    def signer(self, method: str, name: str, signature: str, now: float) -> Credential:
        """Return the credential of who signed. Raises Refusal for what is not signed, or no longer."""
        with self._lock:
            found = self._signed.get(signature)
        if found is None or (found.method, found.name) != (method, name) or found.until < now:
            raise Refusal(
                403, (10000, f"the URL is not signed for {method} of this file, or was longer than an hour ago")
            )
        return found.credential

    def put(self, name: str, content: bytes) -> None:
        with self._lock:
            self._contents[name] = content

    def get(self, name: str) -> bytes | None:
        with self._lock:
            return self._contents.get(name)

    def remove(self, name: str) -> None:
        with self._lock:
            self._contents.pop(name, None)

    def _forget(self, now: float) -> None:
        self._signed = {signature: each for signature, each in self._signed.items() if each.until >= now}
        reachable = {each.name for each in self._signed.values()}
        self._contents = {name: content for name, content in self._contents.items() if name in reachable}
