"""What a restore would do to a database, as a person agrees to it (pure)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final, Self

from bulkhead.model.faults import Fault, Refused

_SCHEMA: Final = 1
# What people are told beside it may differ from one minute to the next: it is shown, and not agreed to.
_TOLD: Final = ("losses", "notes")


class Cause(StrEnum):
    """Why a database is restored, and so by what: Time Travel to a moment, a backup, the bookmark that undoes the last
    restore; or a backup in a database of its own, because there is none any more, or it is kept as it is."""

    MOMENT = "moment"
    BACKUP = "backup"
    UNDO = "undo"
    ANEW = "anew"


@dataclass(frozen=True, slots=True)
class Plan:
    """``store`` is what the product calls the database ``database``, whose id is ``id``; where one is made anew, those
    are its name, and the id of the one before. ``source`` is the moment, the backup's key, or the run that is undone;
    ``content`` the bookmark or the SHA-256 that stands for it. ``migrations`` are those that the running version was
    brought up with. ``maintenance`` says that nobody writes meanwhile."""

    stage: str
    store: str
    database: str
    id: str
    cause: Cause
    source: str
    content: str
    migrations: tuple[str, ...]
    maintenance: bool
    losses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def again(self) -> str:
        """The command that goes on with it."""
        anew = "anew " if self.cause is Cause.ANEW else ""
        return f"bulkhead restore {anew}{self.stage} {self.store}"

    @property
    def digest(self) -> str:
        """The fingerprint of everything that will be done."""
        agreed = {name: value for name, value in asdict(self).items() if name not in _TOLD}
        return hashlib.sha256(json.dumps(agreed, sort_keys=True).encode()).hexdigest()

    @property
    def steps(self) -> tuple[str, ...]:
        """What is done, in that order."""
        if self.cause is Cause.ANEW:
            return (
                "maintenance on: requests, queues and crons wait",
                f"a database {self.database} is made and loaded, and every value compared with the backup",
                f"the state of the stack learns its id in the place of {self.id}; nothing is replaced or deleted",
                "maintenance stays on until a deployment has bound the Workers to it: what is left is told then",
            )
        stop, start = "maintenance on: requests, queues and crons wait", "maintenance off, when all is well"
        tried = "the backup is loaded into a database of its own, compared value by value, and that is deleted again"
        goes = {
            Cause.MOMENT: f"Time Travel brings {self.database} back to {self.source}",
            Cause.UNDO: f"Time Travel brings {self.database} back to what it was before run {self.source}",
            Cause.BACKUP: f"{self.database} is emptied and loaded in one transaction; id and bindings stay",
        }
        compared = ", and every value compared with the backup" if self.cause is Cause.BACKUP else ""
        return (
            *([stop] if self.maintenance else []),
            *([tried] if self.cause is Cause.BACKUP else []),
            "a bookmark is noted, which undoes it for 30 days",
            goes[self.cause],
            f"the database is checked{compared}; where it is not right, it goes back by the bookmark",
            "its migrations are held against those of the running version",
            *([start] if self.maintenance else []),
        )

    def document(self) -> dict[str, Any]:
        return {"schema": _SCHEMA, "digest": self.digest, **asdict(self), "steps": list(self.steps)}

    def require(self, digest: str) -> None:
        """Raise Refused unless this is the plan that was agreed to."""
        if digest != self.digest:
            message = f"is not this plan's, {self.digest}: the database, the backup or the migrations are others by now"
            fix = f"{self.again} ... --plan shows what would be done now"
            raise Refused("Nothing was restored.", [Fault(f"--apply {digest}", message, fix)])

    @classmethod
    def read(cls, document: Mapping[str, Any], run: str) -> Self:
        """Return the plan that a run was begun with. Raises Refused where it is none."""
        names = {each.name for each in fields(cls)}
        said = {name: value for name, value in document.items() if name in names}
        try:
            lists = {name: tuple(map(str, said[name])) for name in ("migrations", *_TOLD)}
            plan = cls(**{**said, **lists, "cause": Cause(said["cause"])})
        except (KeyError, TypeError, ValueError) as error:
            fault = Fault(
                run, "does not hold the plan of a restore", "look at the object: somebody else has written it"
            )
            raise Refused("The journal cannot be read.", [fault]) from error
        return plan
