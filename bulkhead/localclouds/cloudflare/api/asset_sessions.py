"""Sessions in which a client uploads static assets; each has a token that is good for an hour."""

from __future__ import annotations

import json
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bulkhead.localclouds.cloudflare.api.answers import Refusal
from bulkhead.localclouds.cloudflare.api.credentials import Credential

_HOUR: Final = 3600.0  # seconds; source: Workers documentation, "Direct Uploads"
_SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Session:
    """Who uploads, the hash of each path, and the size of each hash that has not arrived yet."""

    credential: Credential
    hashes: Mapping[str, str]
    missing: dict[str, int]


class Sessions:
    """The sessions of one API, by token. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Session, float]] = {}

    def open(self, session: Session, now: float) -> str:
        """Return a session's token, which has the form of a JWT: clients read when it ends."""
        until = now + _HOUR
        told: tuple[Mapping[str, object], ...] = (
            {"alg": "HS256", "typ": "JWT"},
            {"iss": "workers", "iat": int(now), "exp": int(until)},
        )
        token = ".".join((*map(_encoded, told), secrets.token_urlsafe(32)))
        with self._lock:
            self._open = {known: each for known, each in self._open.items() if each[1] >= now}
            self._open[token] = (session, until)
        return token

    def of(self, header: str | None, now: float) -> Session:
        """Return the session whose token an Authorization header has. Raises Refusal."""
        if header is None or not header.lower().startswith(_SCHEME):
            raise Refusal(400, (6003, "Invalid request headers"))
        return self._session(header[len(_SCHEME) :].strip(), now)

    def complete(self, token: str, account: str, now: float) -> Session:
        """Return a session of an account in which everything has arrived. Raises Refusal."""
        session = self._session(token, now)
        if session.credential.account != account:
            raise _unknown()
        if session.missing:
            raise Refusal(400, (10021, f"assets.jwt: {len(session.missing)} files of its manifest were not uploaded"))
        return session

    def arrived(self, session: Session, hash_: str) -> None:
        with self._lock:
            session.missing.pop(hash_, None)

    def _session(self, token: str, now: float) -> Session:
        with self._lock:
            session, until = self._open.get(token, (None, 0.0))
        if session is None or until < now:
            raise _unknown()
        return session


def _unknown() -> Refusal:
    return Refusal(403, (10000, "the token is of no session of asset uploads, or of one that began over an hour ago"))


def _encoded(told: Mapping[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()
