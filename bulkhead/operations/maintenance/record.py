"""What maintenance has taken of a stage, in the bucket of the stage's state: whoever ends it gives back just that."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bulkhead.clients.objects import Objects, Taken
from bulkhead.model.aws_scope import JOURNAL
from bulkhead.model.faults import Fault, Refused

Item = Mapping[str, Any]
"""Something that was there: what a part needs to give it back."""
Found = Mapping[str, Mapping[str, Item]]
"""What was there, by part and key."""
_FORMAT: Final = 1


class State(StrEnum):
    """How far it is. Between two of them a process may have been killed."""

    BEGINNING = "beginning"
    ON = "on"
    ENDING = "ending"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Record:
    """One maintenance: ``since`` when, estimated to last ``until`` when, with the ``message`` that visitors read."""

    state: State
    since: datetime
    until: datetime
    message: str
    by: str
    found: Found = field(default_factory=dict)

    def at(self, state: State) -> Record:
        return replace(self, state=state)


class Records:
    """The record of one stack."""

    def __init__(self, objects: Objects, stack: str) -> None:
        self._objects = objects
        self.key = f"{JOURNAL}{stack}/maintenance.json"
        self._tag: str | None = None

    def read(self) -> Record | None:
        """Return how it is, None where there never was one."""
        there = self._objects.read(self.key)
        self._tag = there.tag if there else None
        return _parsed(self.key, there.body) if there else None

    def write(self, record: Record) -> None:
        """Write how it is, over what was last read or written. Raises Refused where another process has come in
        between."""
        document = {
            "format": _FORMAT,
            "state": record.state.value,
            "since": record.since.isoformat(),
            "until": record.until.isoformat(),
            "message": record.message,
            "by": record.by,
            "found": record.found,
            "nonce": secrets.token_hex(8),  # of two writes with equal words, only one is ours
        }
        body = json.dumps(document, indent=1, ensure_ascii=False).encode()
        try:
            if self._tag is None:
                self._tag = self._objects.add(self.key, body)
            else:
                self._tag = self._objects.replace(self.key, body, self._tag)
        except Taken:
            fix = "see what the other one did: bulkhead maintenance status"
            fault = Fault(self.key, "was written by another process meanwhile", fix)
            raise Refused("Two processes switch the maintenance of one stage.", [fault]) from None


def _parsed(key: str, body: bytes) -> Record:
    try:
        document = json.loads(body)
        if int(document["format"]) > _FORMAT:
            fix = "check out the newer revision, and use that"
            raise Refused("The record cannot be read.", [Fault(key, "was written by a newer Bulkhead", fix)])
        return Record(
            State(document["state"]),
            datetime.fromisoformat(document["since"]),
            datetime.fromisoformat(document["until"]),
            str(document["message"]),
            str(document["by"]),
            {part: dict(items) for part, items in document["found"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        fix = "look at the object and its older versions in the bucket: somebody else has written it"
        raise Refused("The record cannot be read.", [Fault(key, "is no record of a maintenance", fix)]) from error
