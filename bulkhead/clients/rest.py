"""Two JSON APIs, Cloudflare's and GitHub's, as far as a command needs them: get one thing, get a list.

Nothing is taken from the environment: no token, no proxy, no certificate.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import httpx

from bulkhead.clients.endpoints import Api
from bulkhead.model.faults import Fault, Refused

_PAGE: Final = 100
_NOT_FOUND: Final = 404
_TIMEOUT: Final = 30.0  # seconds


class Rest:
    """One API, spoken to with one token. ``transport`` is for tests: it answers instead of the network.

    Raises Refused where the API refuses or cannot be reached; the token is in no message.
    """

    def __init__(self, api: Api, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            transport=transport,
            timeout=_TIMEOUT,
            trust_env=False,
            verify=_trusted(),
        )
        self._base = api.base
        self._cloud = api.name

    def get(self, path: str, **query: Any) -> Any | None:
        """Return what is at ``path`` (of Cloudflare's envelope, the result), None where there is nothing."""
        answer = self._ask(path, query)
        return answer.get("result", answer) if isinstance(answer, dict) else answer

    def every(self, path: str, within: str | None = None, **query: Any) -> Iterator[Any]:
        """Yield every item of a list, page by page; ``within`` is the member of GitHub's answer that holds it."""
        page = 1
        while True:
            answer = self._ask(path, {**query, "page": page, "per_page": _PAGE})
            items = (answer.get(within or "result") if isinstance(answer, dict) else answer) or ()
            yield from items
            if _is_last(answer, page, len(items)):
                return
            page += 1

    def _ask(self, path: str, query: dict[str, Any]) -> Any | None:
        try:
            answer = self._client.get(f"{self._base}{path}", params=query)
            if answer.status_code == _NOT_FOUND:
                return None
            answer.raise_for_status()
            return answer.json()
        except httpx.HTTPStatusError as error:
            raise self._refused(path, f"{error.response.status_code}: {_reason(error.response)}") from None
        except (httpx.HTTPError, ValueError) as error:
            raise self._refused(path, type(error).__name__) from None

    def _refused(self, path: str, message: str) -> Refused:
        fix = f"does the stage's token still exist, and has it the permissions in README.md? ({self._cloud})"
        return Refused(f"{self._cloud} could not be asked.", [Fault(path, message, fix)])


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates to believe, read once: it takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


def _is_last(answer: Any, page: int, count: int) -> bool:
    """Whether no page comes after this one, of ``count`` items. A list of Cloudflare's that says nothing of pages comes
    whole, whatever page is asked for; the others may have smaller pages than asked for, and most say how many."""
    if not isinstance(answer, dict) or "result" not in answer:
        return count < _PAGE
    paging = answer.get("result_info")
    if not paging:
        return True
    size = paging.get("per_page") or _PAGE
    pages = paging.get("total_pages") or -(-(paging.get("total_count") or 0) // size)
    return not count or (page >= pages if pages else count < size)


def _reason(response: httpx.Response) -> str:
    try:
        body = response.json()
        errors = [f"{one.get('message')} [code: {one.get('code')}]" for one in body.get("errors") or ()]
        return "; ".join(errors) or str(body.get("message", response.reason_phrase))
    except (ValueError, AttributeError):
        return response.reason_phrase
