"""Cloudflare's API as the jobs ask it: over a connection that is kept open, and again where that may help.

Nothing is taken from the environment, no redirect is followed, and no message shows the token.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

_TIMEOUT: Final = 60.0  # seconds; D1 gives a query 30
_IDLE: Final = 4.0  # seconds until a connection is given up; a request must not meet one that just closes
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0)  # seconds before each repetition
_LONGEST: Final = 60.0  # seconds of a wait that Cloudflare asks for
_MOST: Final = 64 << 20  # bytes of an answer
_LOOPBACK: Final = "127.0.0.1"  # where a rehearsal has its clouds
_LIMITED: Final = 429
_PASSING: Final = frozenset({_LIMITED, 500, 502, 503, 504, *range(520, 525)})
_NO_TOKEN: Final = frozenset({401, 403})
_CUT: Final = 300  # characters of what Cloudflare says
_PAGE: Final = 1000

Row = Sequence[Any]


class CloudflareFailed(Exception):
    """Cloudflare refused, or gave no answer: then ``status`` is None. ``codes`` are its own."""

    def __init__(self, message: str, status: int | None = None, codes: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.codes = tuple(codes)


class Answer(NamedTuple):
    """What came back; ``body`` is whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Cloudflare:
    """One account's API. ``token`` returns the token as it is now: it is asked again when Cloudflare knows the one it
    was given no more, because a token may be rotated while a job runs. Several threads may ask, each with a connection
    of its own. Every method raises CloudflareFailed."""

    def __init__(
        self, base: str, account: str, token: Callable[[], str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        at = urlsplit(base)
        if at.hostname is None or (at.scheme != "https" and not (at.scheme == "http" and at.hostname == _LOOPBACK)):
            raise ValueError(f"{base}: a token is sent to an https address only")
        self._host, self._port, self._is_tls, self._path = at.hostname, at.port, at.scheme == "https", at.path
        self._account = f"/accounts/{account}"
        self._ask_token = token
        self._token = token()
        self._sleep = sleep
        self._trusted = ssl.create_default_context() if self._is_tls else None
        self._local = threading.local()
        self._open = list[HTTPConnection]()

    def get(self, path: str, **query: Any) -> Any:
        """Return the result at ``path``, which begins below the account: ``/d1/database``."""
        return self._opened(self.request("GET", path, query=query))

    def post(self, path: str, body: Any, *, repeatable: bool = False) -> Any:
        """Return the result of a POST. ``repeatable`` says that doing it twice comes to the same."""
        return self._opened(self.request("POST", path, json.dumps(body).encode(), repeatable=repeatable))

    def every(self, path: str, size: str = "per_page", **query: Any) -> Iterator[Any]:
        """Yield every item of a list that has cursors: objects of R2, and keys of KV, which call a page's size
        ``limit``."""
        cursor, followed = "", set[str]()
        while True:
            items, cursor = self.page(path, cursor, **{**query, size: _PAGE})
            yield from items
            if not cursor:
                return
            if cursor in followed:
                raise CloudflareFailed(f"GET {path}: the same cursor twice")
            followed.add(cursor)

    def page(self, path: str, cursor: str, **query: Any) -> tuple[list[Any], str]:
        """Return the items of a list's page, and the cursor of the next one, "" where this is the last."""
        more = {"cursor": cursor} if cursor else {}
        answer = self._document(self.request("GET", path, query={**query, **more}))
        paging = answer.get("result_info") or {}
        is_last = paging.get("is_truncated") is False
        return answer.get("result") or [], "" if is_last else str(paging.get("cursor") or "")

    def database(self, id_: str) -> D1:
        return D1(self, f"/d1/database/{id_}")

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Return a success as it came. A GET and what is ``repeatable`` are made again when that may help."""
        target = self._account + path + (f"?{urlencode(query)}" if query else "")
        again, repeated, is_new_token = repeatable or method == "GET", 0, False
        while True:
            answer = self._once(method, target, body, headers or {})
            if isinstance(answer, Answer):
                if answer.status < 300:  # noqa: PLR2004
                    return answer
                if answer.status in _NO_TOKEN and not is_new_token and self._has_new_token():
                    is_new_token = True
                    continue
            pause = self._pause(answer, repeated, again=again)
            if pause is None:
                raise self._failed(method, path, answer)
            self._sleep(pause)
            repeated += 1

    def _once(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> Answer | Exception:
        said = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **headers}
        if body is not None:
            said.setdefault("Content-Type", "application/json")
        connection = self._connection()
        try:
            connection.request(method, self._path + target, body, said)
            with connection.getresponse() as response:
                content = response.read(_MOST + 1)
                answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        except (HTTPException, OSError) as error:
            self._drop()
            return error
        self._local.used = time.monotonic()
        if len(content) <= _MOST and not response.length:
            return answer
        self._drop()
        return HTTPException("an answer that broke off, or is too long")

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._open:
            self._open.pop().close()

    def _drop(self) -> None:
        """Close this thread's connection; its next request opens another."""
        connection = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()
            with suppress(ValueError):
                self._open.remove(connection)

    def _connection(self) -> HTTPConnection:
        if time.monotonic() - getattr(self._local, "used", 0.0) > _IDLE:
            self._drop()
        found: HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            found = (
                HTTPSConnection(self._host, self._port, timeout=_TIMEOUT, context=self._trusted)
                if self._is_tls
                else HTTPConnection(self._host, self._port, timeout=_TIMEOUT)
            )
            self._local.connection = found
            self._open.append(found)
        return found

    def _has_new_token(self) -> bool:
        before, self._token = self._token, self._ask_token()
        return self._token != before

    def _pause(self, answer: Answer | Exception, repeated: int, *, again: bool) -> float | None:
        """Return after how many seconds to repeat, None for no more. What is limited was not done."""
        if repeated == len(_PAUSES):
            return None
        if not isinstance(answer, Answer):
            return _PAUSES[repeated] if again or isinstance(answer, ConnectionRefusedError) else None
        if answer.status not in _PASSING or not (again or answer.status == _LIMITED):
            return None
        asked = answer.headers.get("retry-after", "")
        seconds = max(_PAUSES[repeated], float(asked) if asked.isdecimal() else 0.0)
        return seconds if seconds <= _LONGEST else None

    def _failed(self, method: str, path: str, answer: Answer | Exception) -> CloudflareFailed:
        where = f"{method} {path}"
        if not isinstance(answer, Answer):
            return CloudflareFailed(f"{where}: no answer ({type(answer).__name__}: {self._told(answer)})")
        errors = _errors(answer.body)
        said = "; ".join(f"{self._told(each.get('message'))} [code: {each.get('code')}]" for each in errors)
        fix = ". fix: store a token that is valid and may do this" if answer.status in _NO_TOKEN else ""
        codes = [code for each in errors if isinstance(code := each.get("code"), int)]
        return CloudflareFailed(f"{where}: {answer.status} {said}{fix}", answer.status, codes)

    def _told(self, said: object) -> str:
        return " ".join(str(said).replace(self._token, "***").split())[:_CUT]

    def _document(self, answer: Answer) -> dict[str, Any]:
        try:
            said = json.loads(answer.body)
        except ValueError:
            said = None
        if not isinstance(said, dict) or "result" not in said:
            raise CloudflareFailed("an answer that is not Cloudflare's", answer.status)
        if not said.get("success"):
            raise self._failed("asked", "", answer)
        return said

    def _opened(self, answer: Answer) -> Any:
        return self._document(answer)["result"]


def _errors(body: bytes) -> list[dict[str, Any]]:
    try:
        said = json.loads(body)
    except ValueError:
        return []
    errors = said.get("errors") if isinstance(said, dict) else None
    return [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []


@dataclass(slots=True)
class D1:
    """A database. ``bytes`` is how large it was when it was last asked, 0 before."""

    api: Cloudflare
    path: str
    bytes: int = 0

    def query(self, sql: str) -> list[Row]:
        """Return the rows of a statement that changes nothing."""
        (rows,) = self.together([sql])
        return rows

    def together(self, statements: Sequence[str]) -> list[list[Row]]:
        """Return the rows of each of several such statements, which are asked as one transaction."""
        batch = {"batch": [{"sql": each} for each in statements]}
        answers = self.api.post(f"{self.path}/raw", batch, repeatable=True)
        for answer in answers:
            self.bytes = int((answer.get("meta") or {}).get("size_after") or self.bytes)
        return [answer["results"]["rows"] for answer in answers]

    def bookmark(self) -> str:
        """Return the bookmark of the database as it is now."""
        return str(self.api.get(f"{self.path}/time_travel/bookmark")["bookmark"])
