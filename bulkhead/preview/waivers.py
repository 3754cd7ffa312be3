"""Waivers: losses that somebody agreed to beforehand, read from the base branch (pure except for `from_base`).

A change must not bring its own permission, so the file is read from the branch that the change goes to. It names one
resource, one kind of loss and one stage, and ends within thirty days of the commit that added it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from bulkhead.machine.git import git
from bulkhead.model import entries
from bulkhead.model.entries import Day, Malformed, Text
from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage
from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.catalogue import KINDS
from bulkhead.preview.losses.loss import Loss

PATH: Final = "docs/ops/waivers.yaml"
LONGEST: Final = timedelta(days=30)
CONTRACT: Final = "contract"
"""The loss of what running code may still use, by a migration: `bulkhead migrate` asks for it, not a preview."""
_LINE: Final = re.compile(r"line (\d+)")
_BLAMED: Final = re.compile(r"[0-9a-f]{40,64} \d+ (\d+)")  # git-blame(1), "The porcelain format"
_REMOTES: Final = "refs/remotes/"
_ORIGIN: Final = "origin/"
_STAGES: Final = (Stage.STAGING.value, Stage.PRODUCTION.value)


@dataclass(frozen=True, slots=True)
class Waiver:
    """``resource`` is a URN, ``type name`` or a logical name, exactly; for a contract, the path of the migration. It is
    valid to the end of the day ``until``, in UTC."""

    __pydantic_config__: ClassVar = entries.CONFIG

    resource: Text
    loss: Text
    stage: Text
    reason: Text
    until: Day
    approved_by: Text
    line: int

    def names(self, change: ResourceChange) -> bool:
        return self.resource in {
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

    def covering(
        self, losses: Sequence[Loss], changes: Iterable[ResourceChange] = ()
    ) -> tuple[dict[int, Waiver], list[str]]:
        """Return the waiver of each covered loss, by the loss's index, and notes about the waivers that cover none. A
        waiver whose name several resources have, of those with losses or of all ``changes``, covers none of them: the
        one that was meant may be the other."""
        covered: dict[int, Waiver] = {}
        notes: list[str] = []
        everything = [*changes, *(loss.change for loss in losses)] if self.waivers else []
        for waiver in self.waivers:
            if waiver.loss == CONTRACT:
                continue
            named = [place for place, loss in enumerate(losses) if waiver.names(loss.change)]
            found = [place for place in named if losses[place].kind == waiver.loss]
            urns = {change.urn for change in everything if waiver.names(change)} if found else set()
            if len(urns) > 1:
                notes.append(f"{waiver} does not count: {len(urns)} resources are called so; name one by its URN")
            elif not found:
                notes.append(f"{waiver} covers nothing here: take it out once what it was for is done")
            else:
                covered |= dict.fromkeys(found, waiver)
        return covered, notes

    def of_migration(self, path: str) -> Waiver | None:
        """Return the waiver for the contract in one migration; ``path`` is the file's, from the checkout's root."""
        return next((each for each in self.waivers if each.loss == CONTRACT and each.resource == path), None)


Added = Callable[[int, int], date | None]  # the day on which the lines from the first to before the second came in


def parse(text: str, base: str, stage: Stage, today: date, added: Added | None = None) -> Waivers:
    """Return the waivers in ``text`` that count in ``stage`` today. An invalid one is noted, not refused, because the
    author of a change cannot correct the base branch. ``added`` tells when an entry's lines came in, None where that is
    not known."""
    try:
        found, faults = entries.read(text, "waivers", Waiver)
    except Malformed as bad:
        return Waivers(base, notes=(f"{PATH} of {base} cannot be read, so no waiver counts: {bad}",))
    notes = [f"{PATH}, {fault.key}, does not count: it {fault.message}" for fault in faults]
    waivers = []
    begins = sorted({*(waiver.line for waiver in found), *_entry_lines(faults)})
    for waiver in found:
        end = next((line for line in begins if line > waiver.line), len(text.splitlines()) + 1)
        wrong = [*_wrong(waiver, today), *(_too_far(waiver, added(waiver.line, end)) if added else ())]
        if wrong:
            notes.append(f"{PATH}, line {waiver.line}, does not count: {'; '.join(wrong)}")
        elif waiver.stage == stage.value:
            waivers.append(waiver)
    return Waivers(base, tuple(waivers), tuple(notes))


def _wrong(waiver: Waiver, today: date) -> Iterator[str]:
    if waiver.loss not in {*KINDS, CONTRACT}:
        yield f"{waiver.loss!r} is no kind of loss; they are {', '.join([*KINDS, CONTRACT])}"
    if waiver.stage not in _STAGES:
        yield f"{waiver.stage!r} is no stage that needs one; they are {' and '.join(_STAGES)}"
    if waiver.until < today:
        yield f"it ended on {waiver.until}, at midnight in UTC"
    elif waiver.until - today > LONGEST:
        yield f"it ends on {waiver.until}, more than {LONGEST.days} days from today, {today} in UTC"


def _too_far(waiver: Waiver, added: date | None) -> Iterator[str]:
    if added is None:
        yield "git does not show here when it came in; fetch the whole history first: git fetch --unshallow"
    elif waiver.until - added > LONGEST:
        yield f"it ends on {waiver.until}, more than {LONGEST.days} days after it came in, on {added}; write it anew"


def _entry_lines(faults: Iterable[Fault]) -> Iterator[int]:
    found = (_LINE.match(fault.key) for fault in faults)
    return (int(match[1]) for match in found if match)


def from_base(checkout: Path, base: str, stage: Stage, today: date) -> Waivers:
    """Return the waivers in the commit ``base``; none, with a note, if the commit or the file does not exist."""
    commit = next((found for ref in _references(base) if (found := _commit(checkout, ref))), None)
    base = base.removeprefix(_REMOTES)
    if commit is None:
        return Waivers(base, notes=(f"there is no {base} here, so no waiver counts; {_fetching(base)}",))
    text = git(checkout, "show", f"{commit.strip()}:{PATH}")
    if text is None:
        return Waivers(base, notes=(f"{base} has no {PATH}, so no waiver counts",))
    days = _days(checkout, commit.strip())

    def added(first: int, end: int) -> date | None:
        lines = [days.get(line) for line in range(first, end)]
        known = [day for day in lines if day is not None]
        return max(known) if known and len(known) == len(lines) else None

    return parse(text, base, stage, today, added)


def _days(checkout: Path, commit: str) -> dict[int, date]:
    """Return the day, in UTC, on which each line of the file came in. Where history is cut off, a line may be older
    than the oldest commit, so its day is not known."""
    answer = git(checkout, "blame", "--line-porcelain", commit, "--", PATH) or ""
    shallow = (git(checkout, "rev-parse", "--is-shallow-repository") or "").strip() == "true"
    days: dict[int, date] = {}
    line, seconds, cut = 0, 0, False
    for each in answer.splitlines():
        if begins := _BLAMED.match(each):
            line, cut = int(begins[1]), False
        elif each.startswith("committer-time "):
            seconds = int(each.split()[1])
        elif each == "boundary":
            cut = shallow
        elif each.startswith("\t") and not cut:
            days[line] = datetime.fromtimestamp(seconds, UTC).date()
    return days


def default_base(checkout: Path) -> str:
    """Return the branch that a change goes to unless somebody names another: the one that origin calls its default. A
    change can write any name into its own settings, so they are not asked."""
    head = git(checkout, "symbolic-ref", "--quiet", f"{_REMOTES}{_ORIGIN}HEAD")
    return (head or f"{_REMOTES}{_ORIGIN}HEAD").strip()


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
    if branch == "HEAD":
        return "ask origin for its default branch (git remote set-head origin --auto), or name the base with --base"
    return f"fetch it first: git fetch origin refs/heads/{branch}:{_REMOTES}{base}"
