"""Known noise: differences that a provider shows although nobody changed anything (pure).

An entry sets an update apart from the ordinary ones when it consists of such differences only. It never excuses a loss:
those are looked for first, and in all of a change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.preview import entries
from bulkhead.preview.entries import Entry, Malformed
from bulkhead.preview.plan import Change, Plan

PATH: Final = "docs/ops/known-noise.yaml"
FIELDS: Final = ("type", "path", "package", "versions", "issue", "until")
_COMPARISON: Final = re.compile(r"(>=|<=|==|>|<)(\d+)\.(\d+)\.(\d+)")
_INDEX: Final = re.compile(r"\[\d+\]")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Noise:
    """``path`` is a property of ``type`` as the engine spells it, with ``[*]`` for any place in a list. ``versions`` is
    a range such as ``>=6.0.0,<7.0.0`` of the provider's plugin for ``package``."""

    type: str
    path: str
    package: str
    versions: str
    issue: str
    until: date
    line: int

    def __str__(self) -> str:
        return f"{PATH}, line {self.line} ({self.issue})"


@dataclass(frozen=True, slots=True)
class Apart:
    """An update that is nothing but noise, and the entries that say so."""

    change: Change
    entries: tuple[Noise, ...]


def parse(text: str) -> tuple[Noise, ...]:
    """Return the entries of the file. Raises Refused with every fault."""
    try:
        found, faults = entries.read(text, "noise", FIELDS)
    except Malformed as bad:
        raise Refused(f"{PATH} cannot be read.", [Fault("", str(bad), "start it with `noise:`", PATH)]) from None
    faults = [Fault(fault.key, fault.message, fault.fix, PATH) for fault in faults]
    noise = []
    for entry in found:
        until = entries.day(entry["until"])
        if until is None:
            faults.append(_fault(entry, f"until {entry['until']!r} is no date", "until: '2026-01-31'"))
        if not all(_COMPARISON.fullmatch(one.strip()) for one in entry["versions"].split(",")):
            faults.append(_fault(entry, f"versions {entry['versions']!r} is no range", "versions: '>=6.0.0,<7.0.0'"))
        if not entry["type"].startswith(f"{entry['package']}:"):
            faults.append(
                _fault(entry, "the type is of another package", f"package: {entry['type'].partition(':')[0]}")
            )
        if until is not None:
            type_, path, package, versions, issue = (entry[field] for field in FIELDS[:-1])
            noise.append(Noise(type_, path, package, versions, issue, until, entry.line))
    if faults:
        raise Refused(f"{PATH} cannot be used.", faults)
    return tuple(noise)


def _fault(entry: Entry, message: str, fix: str) -> Fault:
    return Fault(f"line {entry.line}", message, fix, PATH)


def apart(plan: Plan, noise: Sequence[Noise], today: date) -> tuple[list[Apart], list[str]]:
    """Return the updates that are nothing but noise, and sentences about entries that would apply and no longer do."""
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
            found.append(Apart(change, tuple(dict.fromkeys(each[0] for each in valid.values()))))
    return found, notes


def _is_about(entry: Noise, change: Change, path: str) -> bool:
    return entry.type == change.type and entry.path in {path, _INDEX.sub("[*]", path)}


def _void(entry: Noise, change: Change, plan: Plan, today: date) -> str:
    """Return why an entry does not count any more, "" when it does."""
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
