"""Known noise: differences that a provider shows although nobody changed anything (pure).

An update that has only such differences is listed apart from the ordinary ones. Noise never excuses a loss: losses are
searched for first, in all of a change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Final

from bulkhead.model import entries
from bulkhead.model.entries import Day, Malformed, Text
from bulkhead.model.faults import Fault, Refused
from bulkhead.preview.change import ResourceChange
from bulkhead.preview.plan import UpdatePlan

PATH: Final = "docs/ops/known-noise.yaml"
_COMPARISON: Final = re.compile(r"(>=|<=|==|>|<)(\d+)\.(\d+)\.(\d+)")
_INDEX: Final = re.compile(r"\[\d+\]")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Noise:
    """An entry of the file. ``path`` is a property of ``type`` as the engine spells it, with ``[*]`` for any index of
    a list. ``versions`` is a range such as ``>=6.0.0,<7.0.0`` of the provider's plugin for ``package``."""

    __pydantic_config__: ClassVar = entries.CONFIG

    type: Text
    path: Text
    package: Text
    versions: Text
    issue: Text
    until: Day
    line: int

    def __str__(self) -> str:
        return f"{PATH}, line {self.line} ({self.issue})"


@dataclass(frozen=True, slots=True)
class NoisyUpdate:
    """An update that is nothing but noise, and the entries that say so."""

    change: ResourceChange
    entries: tuple[Noise, ...]


def parse(text: str) -> tuple[Noise, ...]:
    """Return the entries of the file. Raises Refused with every fault."""
    try:
        noise, faults = entries.read(text, "noise", Noise)
    except Malformed as bad:
        raise Refused(f"{PATH} cannot be read.", [Fault("", str(bad), "start it with `noise:`", PATH)]) from None
    for entry in noise:
        if not all(_COMPARISON.fullmatch(one.strip()) for one in entry.versions.split(",")):
            faults.append(_fault(entry, f"versions {entry.versions!r} is no range", "versions: '>=6.0.0,<7.0.0'"))
        if not entry.type.startswith(f"{entry.package}:"):
            faults.append(_fault(entry, "the type is of another package", f"package: {entry.type.partition(':')[0]}"))
    if faults:
        raise Refused(f"{PATH} cannot be used.", [replace(fault, file=PATH) for fault in faults])
    return tuple(noise)


def _fault(entry: Noise, message: str, fix: str) -> Fault:
    return Fault(f"line {entry.line}", message, fix)


def noisy_updates(plan: UpdatePlan, noise: Sequence[Noise], today: date) -> tuple[list[NoisyUpdate], list[str]]:
    """Return the updates that are only noise, and notes about entries that no longer apply."""
    found, notes = [], []
    for change in plan.changes:
        if change.action != "update" or not change.paths:
            continue
        matching = {path: [entry for entry in noise if _is_about(entry, change, path)] for path in change.paths}
        void = {
            entry: why for each in matching.values() for entry in each if (why := _void(entry, change, plan, today))
        }
        notes += [f"{entry} does not count for {change}: {why}" for entry, why in void.items()]
        valid = {path: [entry for entry in each if entry not in void] for path, each in matching.items()}
        if all(valid.values()):
            found.append(NoisyUpdate(change, tuple(dict.fromkeys(each[0] for each in valid.values()))))
    return found, notes


def _is_about(entry: Noise, change: ResourceChange, path: str) -> bool:
    return entry.type == change.type and entry.path in {path, _INDEX.sub("[*]", path)}


def _void(entry: Noise, change: ResourceChange, plan: UpdatePlan, today: date) -> str:
    """Return why an entry no longer applies, "" if it applies."""
    if entry.until < today:
        return f"it ended on {entry.until}; see whether the issue is still open"
    version = plan.version_of(change)
    if not version:
        return f"the engine does not say which version of {entry.package} it used"
    if not _within(version, entry.versions):
        return f"{entry.package} is {version}, and it is about {entry.versions}"
    return ""


def _within(version: str, versions: str) -> bool:
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    for one in versions.split(","):
        match = _COMPARISON.fullmatch(one.strip())
        if match is None:
            return False
        bound = tuple(int(part) for part in match.groups()[1:])
        sign = (numbers > bound) - (numbers < bound)
        if sign not in {">=": {0, 1}, "<=": {0, -1}, "==": {0}, ">": {1}, "<": {-1}}[match[1]]:
            return False
    return True
