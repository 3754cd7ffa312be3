"""Waivers: losses that somebody agreed to beforehand, read from the base branch (pure except for `from_base`).

A change must not bring its own permission, so the file is read from the branch that the change goes to. It names one
resource, one kind of loss and one stage, and ends within thirty days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar, Final

from bulkhead.machine.git import git
from bulkhead.model import entries
from bulkhead.model.entries import Day, Malformed, Text
from bulkhead.model.naming import Stage
from bulkhead.preview.losses.catalogue import KINDS
from bulkhead.preview.losses.loss import Loss

PATH: Final = "docs/ops/waivers.yaml"
LONGEST: Final = timedelta(days=30)
_REMOTES: Final = "refs/remotes/"
_ORIGIN: Final = "origin/"
_STAGES: Final = (Stage.STAGING.value, Stage.PRODUCTION.value)


@dataclass(frozen=True, slots=True)
class Waiver:
    """``resource`` is a URN, ``type name`` or a logical name, exactly. It is valid to the end of the day ``until``."""

    __pydantic_config__: ClassVar = entries.CONFIG

    resource: Text
    loss: Text
    stage: Text
    reason: Text
    until: Day
    approved_by: Text
    line: int

    def names(self, loss: Loss) -> bool:
        change = loss.change
        return loss.kind == self.loss and self.resource in {
            change.urn,
            f"{change.type} {change.name}",
            f"{change.kind} {change.name}",
            change.name,
        }

    def __str__(self) -> str:
        return f"{PATH}, line {self.line} ({self.loss} of {self.resource})"


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers that are valid in one stage, and notes about the others. ``base`` is the commit they were read
    from."""

    base: str
    waivers: tuple[Waiver, ...] = ()
    notes: tuple[str, ...] = ()

    def covering(self, losses: Sequence[Loss]) -> tuple[dict[int, Waiver], list[str]]:
        """Return the waiver of each covered loss, by the loss's index, and notes about the waivers that cover none. A
        waiver whose name several resources have covers none of them."""
        covered: dict[int, Waiver] = {}
        notes: list[str] = []
        for waiver in self.waivers:
            found = [place for place, loss in enumerate(losses) if waiver.names(loss)]
            urns = {losses[place].change.urn for place in found}
            if len(urns) > 1:
                notes.append(f"{waiver} does not count: {len(urns)} resources are called so; name one by its URN")
            elif not found:
                notes.append(f"{waiver} covers nothing here: take it out once what it was for is done")
            else:
                covered |= dict.fromkeys(found, waiver)
        return covered, notes


def parse(text: str, base: str, stage: Stage, today: date) -> Waivers:
    """Return the waivers in ``text`` that count in ``stage`` today. An invalid one is noted, not refused, because the
    author of a change cannot correct the base branch."""
    try:
        found, faults = entries.read(text, "waivers", Waiver)
    except Malformed as bad:
        return Waivers(base, notes=(f"{PATH} of {base} cannot be read, so no waiver counts: {bad}",))
    notes = [f"{PATH}, {fault.key}, does not count: it {fault.message}" for fault in faults]
    waivers = []
    for waiver in found:
        wrong = list(_wrong(waiver, today))
        if wrong:
            notes.append(f"{PATH}, line {waiver.line}, does not count: {'; '.join(wrong)}")
        elif waiver.stage == stage.value:
            waivers.append(waiver)
    return Waivers(base, tuple(waivers), tuple(notes))


def _wrong(waiver: Waiver, today: date) -> Iterator[str]:
    if waiver.loss not in KINDS:
        yield f"{waiver.loss!r} is no kind of loss; they are {', '.join(KINDS)}"
    if waiver.stage not in _STAGES:
        yield f"{waiver.stage!r} is no stage that needs one; they are {' and '.join(_STAGES)}"
    if waiver.until < today:
        yield f"it ended on {waiver.until}"
    elif waiver.until - today > LONGEST:
        yield f"it ends on {waiver.until}, more than {LONGEST.days} days from today, {today}"


def from_base(checkout: Path, base: str, stage: Stage, today: date) -> Waivers:
    """Return the waivers in the commit ``base``; none, with a note, if the commit or the file does not exist."""
    commit = next((found for ref in _references(base) if (found := _commit(checkout, ref))), None)
    base = base.removeprefix(_REMOTES)
    if commit is None:
        return Waivers(base, notes=(f"there is no {base} here, so no waiver counts; {_fetching(base)}",))
    text = git(checkout, "show", f"{commit.strip()}:{PATH}")
    if text is None:
        return Waivers(base, notes=(f"{base} has no {PATH}, so no waiver counts",))
    return parse(text, base, stage, today)


def _references(base: str) -> tuple[str, ...]:
    """Return the references that ``base`` may mean, in order. Git itself prefers a tag to a branch of the same name,
    so anybody who may push a tag called origin/main could bring their own waivers."""
    if base.startswith("refs/"):
        return (base,)
    if base.startswith(_ORIGIN):
        return (f"{_REMOTES}{base}",)
    return (f"{_REMOTES}{base}", f"refs/heads/{base}", base)


def _commit(checkout: Path, reference: str) -> str | None:
    return git(checkout, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")


def _fetching(base: str) -> str:
    if not base.startswith(_ORIGIN):
        return "name a branch or a commit that git rev-parse finds here"
    branch = base.removeprefix(_ORIGIN)
    return f"fetch it first: git fetch origin refs/heads/{branch}:{_REMOTES}{base}"
