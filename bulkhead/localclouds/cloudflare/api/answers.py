"""The forms of Cloudflare's answers: the envelope, pages, errors (pure).

Source: Cloudflare's API reference, "Make API calls" (envelope and paging); codes as clients report them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_CODE: Final = re.compile(r"\s*\[code: (\d+)\]$")
_MOST: Final = 1000  # items on a page, however many are asked for
UNKNOWN_CODE: Final = 1000
"""The code of a refusal whose real code nobody has reported."""
# What comes with another status than 400. R2: its documentation, "Error codes"; queues and KV: the typed errors of
# alchemy-run/distilled, which were collected from the API's own answers. Hostnames: alchemy-run/alchemy-async#1384.
_STATUSES: Final = {10004: 409, 10006: 404, 10007: 404, 10008: 409, 11000: 404, 11009: 409, 100116: 409}
_CONFLICT: Final = 409
# The provider's plugin repeats a 409 ten times, for three and a half minutes, unless it is told that this is in vain.
_FINAL: Final = {"x-should-retry": "false"}


@dataclass(frozen=True, slots=True)
class Result:
    """What a route answers. ``info`` becomes ``result_info``; ``note`` is for the journal: what the call did that is
    seen nowhere else."""

    value: Any
    info: Mapping[str, Any] | None = None
    status: int = 200
    messages: Sequence[Mapping[str, Any]] = ()
    note: str = ""

    def envelope(self) -> dict[str, Any]:
        body = {"success": True, "errors": [], "messages": list(self.messages), "result": self.value}
        return body if self.info is None else body | {"result_info": dict(self.info)}


class Refusal(Exception):
    """The API refuses: ``errors`` are (code, message)."""

    def __init__(self, status: int, *errors: tuple[int, str], headers: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join(message for _, message in errors))
        self.status = status
        self.errors = errors
        self.headers = headers or {}

    def envelope(self) -> dict[str, Any]:
        errors = [{"code": code, "message": message} for code, message in self.errors]
        return {"success": False, "errors": errors, "messages": [], "result": None}


def refusal(reasons: Sequence[str], code: int = UNKNOWN_CODE) -> Refusal:
    """Return the refusal for reasons, which end in ``[code: N]`` where theirs is not ``code``."""
    errors = [_coded(reason, code) for reason in reasons]
    status = _STATUSES.get(errors[0][0], 400)
    return Refusal(status, *errors, headers=_FINAL if status == _CONFLICT else None)


def not_found(what: str, code: int = 7404) -> Refusal:
    """Return the answer for a resource that is not there."""
    return Refusal(404, (code, f"{what} not found"))


def no_route(path: str) -> Refusal:
    """Return the answer for a path that the API does not have."""
    return Refusal(
        404,
        (7003, f"Could not route to {path}, perhaps your object identifier is invalid?"),
        (7000, "No route for that URI"),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that is asked for."""

    number: int = 1
    size: int = 20

    @staticmethod
    def asked(query: Mapping[str, str], size: int = 20) -> Page:
        """Read a page out of a query. Raises Refusal when it names none."""
        try:
            page = Page(int(query.get("page", 1)), int(query.get("per_page", size)))
        except ValueError:
            raise Refusal(400, (UNKNOWN_CODE, "page and per_page must be numbers")) from None
        if page.number < 1 or page.size < 1:
            raise Refusal(400, (UNKNOWN_CODE, "page and per_page must be at least 1"))
        return Page(page.number, min(page.size, _MOST))

    def of(self, items: Sequence[Any]) -> tuple[list[Any], dict[str, int]]:
        """Return the items of this page, and the ``result_info`` about it."""
        first = (self.number - 1) * self.size
        chosen = list(items[first : first + self.size])
        info = {
            "page": self.number,
            "per_page": self.size,
            "count": len(chosen),
            "total_count": len(items),
            "total_pages": -(-len(items) // self.size),
        }
        return chosen, info


def _coded(reason: str, code: int) -> tuple[int, str]:
    found = _CODE.search(reason)
    return (int(found[1]), reason[: found.start()]) if found else (code, reason)
