"""What an API answered instead of doing what it was asked: for people a message, for a caller the vendor's codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import httpx

from bulkhead.clients.repeats import READS, Outcome, is_limited
from bulkhead.model.faults import Fault, Refused

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST: Final = 300  # characters of a vendor's message: more is a page of HTML or a statement of SQL
# GitHub answers 404 for what a token may not see.
_OF_THE_TOKEN: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


class Reason(NamedTuple):
    """One error as the vendor says it; GitHub's have a word for a code, or none."""

    code: int | str | None
    message: str

    def __str__(self) -> str:
        return self.message if self.code is None else f"{self.message} [code: {self.code}]"


class ApiRefused(Refused):
    """An API refused, or could not be reached: then ``status`` is None. ``reasons`` are the vendor's own."""

    def __init__(self, summary: str, fault: Fault, status: int | None, reasons: Iterable[Reason] = ()) -> None:
        super().__init__(summary, [fault])
        self.status = status
        self.reasons = tuple(reasons)

    def has(self, code: int | str) -> bool:
        """Whether the vendor gave this code, such as 10007 for a Worker that is not there."""
        return any(reason.code == code for reason in self.reasons)


class Uncertain(ApiRefused):
    """A write that may have been done: the answer was lost on its way, or came from somebody in between. Whoever
    catches it looks whether it was done before doing it again."""


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked of whom, and how its failure is told; ``token`` is never shown, whoever repeats it."""

    api: str
    method: str
    path: str
    token: str = field(repr=False)

    def failed(self, outcome: Outcome, wait: float, *, in_doubt: bool) -> ApiRefused:
        """Return what to raise for a last attempt; ``wait`` is how many seconds the API asks to be left alone."""
        if not isinstance(outcome, httpx.Response):
            fix = "is there a network, and may this machine reach it? Then run the same command again"
            return self.refused(f"{type(outcome).__name__}: no answer", fix, in_doubt=in_doubt)
        reasons = [
            Reason(code if code is None or isinstance(code, int) else self._told(code), self._told(text))
            for code, text in _reasons_in(outcome)
        ]
        message = f"{outcome.status_code}: {'; '.join(map(str, reasons)) or self._told(outcome.reason_phrase)}"
        if is_limited(outcome):
            fix = f"run the same command again in {max(60, round(wait))} seconds"
        elif outcome.is_server_error:
            fix = f"see whether {self.api} tells of an incident, then run the same command again"
        elif outcome.status_code in _OF_THE_TOKEN:
            fix = f"does the stage's token still exist, and has it the permissions in README.md? ({self.api})"
        else:
            fix = f"correct what {self.api} names, then run the same command again"
        return self.refused(message, fix, outcome.status_code, reasons, in_doubt=in_doubt)

    def _told(self, said: Any) -> str:
        """Return what the vendor says in one line and without the token, then cut: the half of a token could not be
        found. What moves a terminal's cursor, or begins a line of its own, could pass for a message of ours."""
        text = _CONTROL.sub(" ", str(said)).replace(self.token, "***")
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."

    def unreadable(self, what: str, status: int, base: str) -> ApiRefused:
        """Return what to raise where a success has an answer that cannot be one of the API's."""
        fix = f"what answers at {base}? It is not {self.api}, or somebody is in between"
        return self.refused(f"{status}: {what}", fix, status, in_doubt=self.method not in READS)

    def refused(
        self, message: str, fix: str, status: int | None = None, reasons: Iterable[Reason] = (), *, in_doubt: bool
    ) -> ApiRefused:
        where = f"{self.method} {self.path}"
        if in_doubt:
            fault = Fault(where, f"{message}; it may have been done all the same", "look whether it was, then go on")
            return Uncertain(f"{self.api} may have done it, or not.", fault, status, reasons)
        summary = "could not be asked" if self.method in READS else "did not do it"
        return ApiRefused(f"{self.api} {summary}.", Fault(where, message, fix), status, reasons)


def _reasons_in(response: httpx.Response) -> tuple[tuple[Any, Any], ...]:
    """Return the errors in a body of Cloudflare's or GitHub's, none where the body is neither's."""
    try:
        body = response.json()
        return tuple(_reasons(body)) if isinstance(body, dict) else ()
    except (ValueError, RecursionError):
        return ()


def _reasons(body: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield code and message of each error, whatever they are."""
    if body.get("message"):  # GitHub's: what is wrong, before the fields that are
        yield None, body["message"]
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else ():
        if not isinstance(error, dict):
            yield None, error
            continue
        field = " ".join(str(error[key]) for key in ("resource", "field") if error.get(key))
        yield error.get("code"), error.get("message") or field or "no message"
        yield from _reasons({"errors": error.get("error_chain")})  # Cloudflare's: what the error comes from
