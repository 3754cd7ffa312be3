"""What a deployment would do to a stage, as a file that a person reads and a program applies (pure)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bulkhead.delivery.strategy import Strategy
from bulkhead.model.faults import Fault, Refused

_SCHEMA: Final = 2
# What people are told beside it may differ from one minute to the next: it is shown, and not agreed to.
_TOLD: Final = ("commits", "sees", "notes")


@dataclass(frozen=True, slots=True)
class Move:
    """One Worker whose version changes. ``stable`` is the version that serves now, "" where none does; ``uploaded``
    is the one that takes over where it is at Cloudflare already, "" where the `up` makes it."""

    worker: str
    script: str
    bundle: str
    stable: str
    uploaded: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """A migration that will be applied: its file, its checksum, and its classes."""

    file: str
    checksum: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """``moves`` are in the order in which traffic moves: what is called comes before what calls it. ``changes`` are the
    resources that an `up` changes, and how; ``goes``, the URNs of those that it deletes. ``classes`` are the Workers
    whose Durable Object classes change: everybody gets such a release at once, and nobody can go back. ``switched`` are
    those that go on with another store, so what came before would read old data. ``cannot`` is what no way back
    undoes."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    stage: str
    commit: str
    tree: str
    live: str
    strategy: Strategy
    steps: tuple[str, ...]
    moves: tuple[Move, ...]
    changes: tuple[str, ...]
    migrations: tuple[Pending, ...]
    classes: tuple[str, ...]
    cannot: tuple[str, ...]
    goes: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    switched: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The fingerprint of everything that will be done."""
        return hashlib.sha256(json.dumps(self._agreed(), sort_keys=True).encode()).hexdigest()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.moves or self.changes or self.migrations)

    def document(self) -> dict[str, Any]:
        return {"schema": _SCHEMA, "digest": self.digest, **asdict(self)}

    def require_shown(self, shown: Plan) -> None:
        """Raise Refused unless this, which would be done now, is what ``shown`` has shown."""
        mine, theirs = self._agreed(), shown._agreed()
        faults = [
            Fault(name, f"is {_brief(mine[name])} now, and was {_brief(theirs[name])} when the plan was made")
            for name in mine
            if mine[name] != theirs[name]
        ]
        if faults:
            again = f"bulkhead deploy {self.stage} --plan --json > FILE makes a new one"
            raise Refused(f"The plan is no longer what would be done; {again}.", faults)

    def _agreed(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name not in _TOLD}

    @classmethod
    def read(cls, text: str, file: str) -> Self:
        """Return the plan in a file. Raises Refused where it is none, or was changed by hand."""
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        return cls.of(document, file)

    @classmethod
    def of(cls, document: Any, file: str) -> Self:
        """Return the plan that a document is. Raises Refused as `read` does."""
        own = dict(document) if isinstance(document, Mapping) else {}
        schema, digest = own.pop("schema", None), own.pop("digest", None)
        message = ""
        if isinstance(schema, int) and schema != _SCHEMA:
            message = f"is of schema {schema}, and this Bulkhead reads {_SCHEMA}"
        else:
            try:
                plan = TypeAdapter(cls).validate_python(own)
            except ValidationError:
                message = "is no plan of a deployment"
            else:
                message = "" if plan.digest == digest else "was changed after it was made: its digest is another one"
        if message:
            fix = "make it again: bulkhead deploy STAGE --plan --json > FILE"
            raise Refused("Nothing was deployed.", [Fault("", message, fix, file)])
        return plan


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."  # noqa: PLR2004 - what a line of a terminal shows
