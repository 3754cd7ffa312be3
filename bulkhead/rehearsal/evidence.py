"""The results of a rehearsal: verdicts with their evidence, and the stages they are about (plain data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bulkhead.analysis.access.matrix import Table

if TYPE_CHECKING:
    from bulkhead.localclouds.fidelity import Fidelity


class Outcome(StrEnum):
    """How a proof ended. ``not shown`` says that it could not be tried, with the reason as its evidence."""

    PROVEN = "proven"
    FAILED = "failed"
    NOT_SHOWN = "not shown"


class Unproven(Exception):
    """A proof that failed: what was expected, what was seen instead."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen


class NotShown(Exception):
    """A proof that cannot be tried here; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the result. ``key`` is the proof's stable name; ``claim`` the sentence it proves."""

    key: str
    claim: str
    outcome: Outcome
    evidence: str
    expected: str = ""
    seen: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ResourceLine:
    """One resource of a stage: Pulumi type token, physical name or id, and how the rehearsal treats the type."""

    type: str
    name: str
    treatment: str


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage: where it answers, what it consists of, what each Worker may touch, seconds per phase.

    ``bindings`` maps a Worker's logical name to (binding name, binding type, what it points at); ``access`` are tables
    of who else may do what to it.
    """

    environment: str
    stage: str
    url: str
    resources: tuple[ResourceLine, ...]
    bindings: Mapping[str, tuple[tuple[str, str, str], ...]]
    seconds: Mapping[str, float]
    access: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A whole rehearsal. ``phases`` are wall-clock seconds in order; ``ending`` says what became of the stages;
    ``fidelity`` how true the local clouds are to the real ones, for each type that the stages have."""

    product: str
    engine: str
    started: str
    seconds: float
    stages: tuple[StageReport, ...]
    verdicts: tuple[Verdict, ...]
    phases: Mapping[str, float]
    ending: str
    logs: str
    fidelity: tuple[Fidelity, ...] = ()

    @property
    def failed(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.outcome is Outcome.FAILED)

    @property
    def ok(self) -> bool:
        """True when at least one thing was proven and nothing failed."""
        return not self.failed and any(verdict.outcome is Outcome.PROVEN for verdict in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}
