"""The record of a recovery: its plan, and which steps are done. It is a file, because the bucket in which others are
kept was lost and comes back on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.recovery.total.plan import Plan

_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was done: when the try that ended it began, when it ended, and what came of it."""

    step: str
    began: datetime
    ended: datetime
    said: str

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()


@dataclass(frozen=True, slots=True)
class Record:
    """``file`` is written whole or not at all, so a kill leaves the state before a step or after it."""

    file: Path

    def plan(self) -> Plan | None:
        """Return the plan of the recovery that has begun, None where none has. Raises Refused for a damaged file."""
        said = self._read()
        return Plan.read(said["plan"], str(self.file)) if said else None

    def done(self) -> dict[str, Done]:
        """Return the steps that are done, by name and in order."""
        return {
            each["step"]: Done(
                each["step"],
                datetime.fromisoformat(each["began"]),
                datetime.fromisoformat(each["ended"]),
                each["said"],
            )
            for each in (self._read() or {"done": []})["done"]
        }

    def begin(self, plan: Plan) -> None:
        self._write({"plan": plan.document(), "done": []})

    def note(self, done: Done) -> None:
        said = self._read() or {}
        kept = [each for each in said["done"] if each["step"] != done.step]
        self._write({**said, "done": [*kept, asdict(done)]})

    def end(self) -> Path:
        """Put the record of a recovery that is over aside, and return where it is."""
        plan = self.plan()
        name = f"{plan.stage if plan else 'unknown'}-{max(each.ended for each in self.done().values()):%Y%m%dT%H%M%SZ}"
        aside = self.file.with_name(f"{name}.json")
        self.file.rename(aside)
        return aside

    def aside(self) -> list[Record]:
        """Return those that were put aside, the oldest first."""
        return [Record(each) for each in sorted(self.file.parent.glob(f"{self.file.stem}-*.json"))]

    def _read(self) -> Mapping[str, Any] | None:
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            found: Mapping[str, Any] = {"plan": dict, "done": list, **json.loads(text)}
        except (ValueError, TypeError) as error:
            raise self._refused() from error
        if not isinstance(found["plan"], dict) or not isinstance(found["done"], list):
            raise self._refused()
        return found

    def _refused(self) -> Refused:
        fix = f"rm {self.file}: every step looks at what is there already"
        return Refused("The recovery cannot go on.", [Fault("", "is no record of a recovery", fix, str(self.file))])

    def _write(self, said: Mapping[str, Any]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        beside = self.file.with_suffix(".new")
        beside.touch(mode=_PRIVATE)
        beside.write_text(json.dumps(said, indent=1, default=datetime.isoformat), encoding="utf-8")
        beside.replace(self.file)
