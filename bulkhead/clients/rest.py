"""The HTTP client of the project for two JSON APIs, Cloudflare's and GitHub's: reads, writes, lists.

Nothing is taken from the environment: no token, no address, no proxy, no certificate. Where a request is made again is
decided in `repeats`, what becomes of a refusal in `refusals`.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypedDict, Unpack

import httpx

from bulkhead.clients.endpoints import Api
from bulkhead.clients.refusals import ApiRefused, Call
from bulkhead.clients.repeats import READS, REPEATABLE, Outcome, Patience, may_be_done
from bulkhead.model.faults import Fault, Refused

_PAGE: Final = 100
_NOT_FOUND: Final = 404
_TIMEOUT: Final = 30.0  # seconds
_UPLOAD: Final = 300.0  # seconds without a byte, of a file that may have gigabytes
_MOST: Final = 512 * 1024**2  # bytes of an answer, unpacked; the largest are objects of R2, of which the API has 300 MB
# Idle connections are given up before a server does it (uvicorn after 5 s): a write must not meet one that just closes.
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0)
_PATH: Final = re.compile(r"/[^?#\x00-\x1f\x7f]*")  # anything before the slash would change the host
_ENVELOPE: Final = frozenset({"success", "result", "data"})  # GraphQL has the last alone
_TOKEN: Final = re.compile(r"[!-~]+")  # what a header can carry


class Sending(TypedDict, total=False):
    """What else goes with a request, as httpx takes it. ``files`` are the parts of a multipart body: name, and content
    or (file name, content, type). ``content`` is bytes, never a stream: it may have to be sent again."""

    content: bytes
    data: Mapping[str, str]
    files: list[tuple[str, bytes | tuple[str | None, bytes, str]]]
    headers: Mapping[str, str]
    params: Mapping[str, Any]
    timeout: float  # seconds


class Rest:
    """One API, spoken to with one token, from as many threads as there are.

    Every method raises ApiRefused where the API refuses or cannot be reached, and Uncertain where a write may have been
    done all the same; both are Refused, and the token is in no message. For tests: ``transport`` answers instead of the
    network, and ``patience`` has another clock.
    """

    def __init__(
        self,
        api: Api,
        token: str,
        transport: httpx.BaseTransport | None = None,
        patience: Patience | None = None,
    ) -> None:
        if not _TOKEN.fullmatch(token):
            message = "is empty, or holds a space, a line's end or a letter that no token has"
            raise Refused(f"{api.name} was not asked.", [Fault(f"the token of {api.name}", message, "store it again")])
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            transport=transport,
            timeout=_TIMEOUT,
            limits=_LIMITS,
            trust_env=False,
            verify=trusted(),
        )
        self.api = api
        self._token = token
        self._patience = patience or Patience()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any | None:
        """Return what is at ``path`` (of Cloudflare's envelope, the result), None where there is nothing."""
        return self._result(self._answer(path, query))

    def raw(self, path: str, **query: Any) -> bytes | None:
        """Return the bytes at ``path``, such as a value of KV or a Worker's code, None where there is nothing."""
        response = self._found(path, params=query, headers={"Accept": "*/*"})
        return None if response is None else response.content

    def every(self, path: str, within: str | None = None, **query: Any) -> Iterator[Any]:
        """Yield every item of a list, page by page; ``within`` is the member that holds it, of GitHub's answer or of
        Cloudflare's result."""
        page, before = 1, list[Any]()
        while (response := self._found(path, params={**query, "page": page, "per_page": _PAGE})) is not None:
            answer = self._json("GET", path, response)
            items = self._items(path, answer, within)
            if items and items == before:
                raise self._call("GET", path).unreadable("the same page twice", response.status_code, self.api.base)
            yield from items
            if "next" not in response.links and _is_last(answer, page, len(items)):
                return
            page, before = page + 1, items

    def every_by_cursor(self, path: str, **query: Any) -> Iterator[Any]:
        """Yield every item of a list of Cloudflare's that has cursors instead of pages: keys of KV, objects of R2.
        The size of a page has another name in each, and is the caller's."""
        cursor, followed = "", set[str]()
        while (answer := self._answer(path, {**query, "cursor": cursor} if cursor else query)) is not None:
            yield from self._items(path, answer)
            paging = _paging(answer)
            cursor = str(paging.get("cursor") or "")
            if not cursor or paging.get("is_truncated") is False:
                return
            if cursor in followed:
                raise self._call("GET", path).unreadable("the same cursor twice", 200, self.api.base)
            followed.add(cursor)

    def post(
        self, path: str, json: Any = None, *, repeatable: bool | None = None, **sending: Unpack[Sending]
    ) -> Any | None:
        """Return what a POST answers, opened as `get` does, None for no body. ``repeatable`` says that doing it twice
        comes to the same, as it does for a query."""
        return self._write("POST", path, json, repeatable, sending)

    def patch(
        self, path: str, json: Any = None, *, repeatable: bool | None = None, **sending: Unpack[Sending]
    ) -> Any | None:
        """PATCH, as `post`."""
        return self._write("PATCH", path, json, repeatable, sending)

    def put(
        self, path: str, json: Any = None, *, repeatable: bool | None = None, **sending: Unpack[Sending]
    ) -> Any | None:
        """PUT, as `post`, but that it is repeated unless it says otherwise: where each one makes something new."""
        return self._write("PUT", path, json, repeatable, sending)

    def delete(self, path: str, json: Any = None, **sending: Unpack[Sending]) -> Any | None:
        """DELETE, as `put`. What is not there raises ApiRefused (404), unless an attempt of this very call whose answer
        was lost may have deleted it."""
        return self._write("DELETE", path, json, None, sending)

    def upload(self, url: str, file: Path) -> None:
        """PUT a file to an address that the API has handed out. The token stays here: the address is leave enough."""
        repeated = 0
        while True:
            try:
                with file.open("rb") as content:
                    request = self._client.build_request("PUT", url, content=content, timeout=_UPLOAD)
                    del request.headers["Authorization"]
                    outcome: Outcome = self._client.send(request)
            except httpx.RequestError as error:
                outcome = error
            if isinstance(outcome, httpx.Response) and outcome.is_success:
                return
            pause = self._patience.pause(outcome, repeated, repeatable=True)
            if pause is None:  # the address itself is a secret
                raise self._call("PUT", "the address for an upload").failed(outcome, 0, in_doubt=False)
            self._patience.sleep(pause)
            repeated += 1

    def request(
        self, method: str, path: str, json: Any = None, *, repeatable: bool | None = None, **sending: Unpack[Sending]
    ) -> httpx.Response:
        """Return the answer as it came, for what the other methods leave out: text, headers, the status of a success.
        ``repeatable`` is as `repeats` has it for the method, unless given."""
        if not _PATH.fullmatch(path):
            raise ValueError(f"{path!r} is no path")
        again = method in REPEATABLE if repeatable is None else repeatable
        repeated, in_doubt = 0, False
        while True:
            outcome = self._once(method, path, json, sending)
            if isinstance(outcome, httpx.Response) and (
                outcome.is_success or (method == "DELETE" and in_doubt and outcome.status_code == _NOT_FOUND)
            ):
                return outcome
            # What one attempt may have done, no later failure undoes.
            in_doubt |= method not in READS and may_be_done(outcome)
            pause = self._patience.pause(outcome, repeated, repeatable=again)
            if pause is None:
                wait = self._patience.asked_for(outcome)
                raise self._call(method, path).failed(outcome, wait, in_doubt=in_doubt)
            self._patience.sleep(pause)
            repeated += 1

    def _once(self, method: str, path: str, json: Any, sending: Sending) -> Outcome:
        try:
            with self._client.stream(method, f"{self.api.base}{path}", json=json, **sending) as response:
                return self._read(method, path, response)
        except httpx.RequestError as error:
            return error

    def _read(self, method: str, path: str, response: httpx.Response) -> httpx.Response:
        """Return an answer with its body: a few packed bytes can be more than the memory."""
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > _MOST:
                what = f"an answer of more than {_MOST // 1024**2} MiB"
                raise self._call(method, path).unreadable(what, response.status_code, self.api.base)
        headers = [(name, value) for name, value in response.headers.multi_items() if name != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=bytes(content), request=response.request)

    def _found(self, path: str, **sending: Unpack[Sending]) -> httpx.Response | None:
        try:
            return self.request("GET", path, **sending)
        except ApiRefused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise

    def _answer(self, path: str, query: Mapping[str, Any]) -> Any | None:
        response = self._found(path, params=query)
        return None if response is None else self._json("GET", path, response)

    def _write(self, method: str, path: str, json: Any, repeatable: bool | None, sending: Sending) -> Any | None:
        response = self.request(method, path, json, repeatable=repeatable, **sending)
        if not response.content or response.status_code == _NOT_FOUND:
            return None
        return self._result(self._json(method, path, response))

    def _json(self, method: str, path: str, response: httpx.Response) -> Any:
        call = self._call(method, path)
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            raise call.unreadable("an answer that is no JSON", response.status_code, self.api.base) from None
        if not self.api.enveloped:
            return answer
        if not isinstance(answer, dict) or not _ENVELOPE & answer.keys():
            raise call.unreadable(f"no answer of {self.api.name}'s", response.status_code, self.api.base)
        # Cloudflare refuses with 200 as well; GraphQL knows no other way, and no ``success``.
        if not answer.get("success", not answer.get("errors")):
            raise call.failed(response, 0, in_doubt=False)
        return answer

    def _result(self, answer: Any) -> Any:
        return answer.get("result", answer) if self.api.enveloped and answer is not None else answer

    def _items(self, path: str, answer: Any, within: str | None = None) -> list[Any]:
        """Return the list in an answer; Cloudflare has null for an empty one. Anything else must not pass for a list:
        who finds nothing makes everything a second time."""
        items = self._result(answer)
        if within is not None and isinstance(items, dict):
            items = items.get(within, items)
        if items is None and self.api.enveloped:
            return []
        if not isinstance(items, list):
            raise self._call("GET", path).unreadable("no list where one was asked for", 200, self.api.base)
        return items

    def _call(self, method: str, path: str) -> Call:
        return Call(self.api.name, method, path, self._token)


@cache
def trusted() -> ssl.SSLContext:
    """The certificates to believe, read once: it takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


def _is_last(answer: Any, page: int, count: int) -> bool:
    """Whether no page comes after this one, of ``count`` items, as far as the body says; GitHub says it in a header. A
    list of Cloudflare's that says nothing of pages comes whole, whatever page is asked for; the others may have smaller
    pages than asked for, and most say how many."""
    if not isinstance(answer, dict) or "result" not in answer:
        return count < _PAGE
    paging = _paging(answer)
    if not paging:
        return True
    size, pages, items = (_number(paging, name) for name in ("per_page", "total_pages", "total_count"))
    size = size or _PAGE
    pages = pages or -(-items // size)
    return not count or (page >= pages if pages else count < size)


def _paging(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what Cloudflare says of the pages of a list, nothing where that cannot be read."""
    paging = answer.get("result_info")
    return paging if isinstance(paging, dict) else {}


def _number(paging: Mapping[str, Any], name: str) -> int:
    value = paging.get(name)
    return value if isinstance(value, int) and value > 0 else 0
