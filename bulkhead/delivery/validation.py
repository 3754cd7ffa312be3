"""What staging found out about a tree, and whether that lets it go to production (pure; DEP-7, QLT-4, QLT-10, QLT-12).

The record goes by the tree, because merge, squash and rebase give one tree commits of different names. Staging keeps it
in its own bucket; production is handed it as a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from bulkhead.model.faults import Fault, Refused

FORMAT: Final = 1
UNVALIDATED: Final = "unvalidated"  # the fact of a run that says why it went without a record
# What every record must say something of: a validation that forgot to look has not passed (QLT-2, QLT-4, DEP-6).
ITEMS: Final[Mapping[str, str]] = {
    "tests": "the tests of this commit passed",
    "scan": "the security scan of this commit passed",
    "migrations": "the databases have exactly the migrations of this commit",
    "variables": "the settings are complete and no example",
    "rollback": "there is a version to go back to",
    "alarms": "every alarm of the catalogue is there",
    "drill": "backups can be restored, because it was rehearsed",
    "database": "the databases answer",
    "probes": "the stage answers in time",
    "journeys": "the main functions work",
    "load": "it is as fast as production has to be, under a short load",
}
Item = Literal[
    "tests", "scan", "migrations", "variables", "rollback", "alarms", "drill", "database", "probes", "journeys", "load"
]
_BOT: Final = "github-actions[bot]"
_OPEN_BOX: Final = re.compile(r"(?m)^\s*[-*] \[ \]\s*(.+?)\s*$")
_REPEATED: Final = "let staging be validated again (gh run rerun)"
# What a person does about an item that held for a time, and did once.
_OVER: Final[Mapping[str, str]] = {"drill": f"hold a drill (docs/runbooks/drill.md), then {_REPEATED}"}
_AGAIN: Final = "mend it, deploy staging again, and wait for the workflow staging-validation"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. What does not block is told, and stops nothing. ``until`` is when it has to have
    been looked at again, "" where it holds for the tree."""

    item: Item
    name: str
    passed: bool
    detail: str
    blocking: bool = True
    until: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A validation. ``bundles`` are SHA-256 by Worker, ``migrations`` checksums by database and file; ``by`` is who
    deployed what was validated, as GitHub calls them."""

    commit: str
    tree: str
    bundles: Mapping[str, str]
    migrations: Mapping[str, Mapping[str, str]]
    checks: Sequence[Check]
    at: str
    by: str

    @property
    def missing(self) -> list[str]:
        return [item for item in ITEMS if item not in {check.item for check in self.checks}]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if check.blocking and not check.passed]

    @property
    def passed(self) -> bool:
        return not (self.missing or self.failed)

    def as_json(self) -> str:
        said = {"format": FORMAT, "passed": self.passed, **asdict(self)}
        return json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def key_of(tree: str) -> str:
    """Return the key of a tree's record in the bucket."""
    return f"validation/{tree}.json"


def read_record(text: str, file: str) -> Record:
    """Return the record in ``text``. Raises Refused when it is none, or of a form that is not understood here."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            message = f"has the form {said['format']}, and {FORMAT} is understood here"
            raise Refused("The validation cannot be read.", [Fault("format", message, _AGAIN, file)])
        checks = [Check(**each) for each in said["checks"]]
        words = {name: said[name] for name in ("commit", "tree", "bundles", "migrations", "at", "by")}
        sound = all(isinstance(words[name], str) for name in ("commit", "tree", "at", "by")) and all(
            isinstance(check.passed, bool)
            and isinstance(check.blocking, bool)
            and (check.until == "" or datetime.fromisoformat(check.until).tzinfo is not None)
            for check in checks
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        sound = False
    if not sound:
        raise Refused("The validation cannot be read.", [Fault("", "is no record of a validation", _AGAIN, file)])
    return Record(**words, checks=checks)


def faults(
    record: Record,
    tree: str,
    bundles: Mapping[str, str],
    migrations: Mapping[str, Mapping[str, str]],
    checklist: Mapping[str, Any],
    profile: Literal["team", "solo"],
    moment: datetime,
) -> Iterator[Fault]:
    """Yield what keeps a checkout of ``tree`` with these bundles and migrations from going to production at that
    ``moment``. ``checklist`` is the issue of what people look at, as GitHub's API has it."""
    if record.tree != tree:
        yield Fault("tree", f"is {record.tree}, and {tree} is checked out: something else was validated", _AGAIN)
        return
    for worker in sorted(record.bundles.keys() | bundles.keys()):
        there, here = record.bundles.get(worker), bundles.get(worker)
        if there != here:
            message = f"was validated as {there or 'nothing'}, and {here or 'nothing'} would be deployed"
            yield Fault(f"bundles.{worker}", message, _AGAIN)
    for database in sorted(record.migrations.keys() | migrations.keys()):
        was, now = record.migrations.get(database, {}), migrations.get(database, {})
        for name in sorted(was.keys() | now.keys()):
            if was.get(name) != now.get(name):
                yield Fault(f"migrations.{database}", f"{name} is not what staging applied", _AGAIN)
    for item in record.missing:
        yield Fault(item, f"was not looked at: nobody knows whether {ITEMS[item]}", _AGAIN)
    for check in record.failed:
        yield Fault(f"{check.item}: {check.name}", check.detail, _AGAIN)
    for check in record.checks:
        if check.blocking and check.passed and check.until and datetime.fromisoformat(check.until) < moment:
            message = f"held until {check.until}: nobody knows whether {ITEMS[check.item]} since ({check.detail})"
            yield Fault(f"{check.item}: {check.name}", message, _OVER.get(check.item, _REPEATED))
    yield from _unconfirmed(checklist, record, profile)


def _unconfirmed(issue: Mapping[str, Any], record: Record, profile: Literal["team", "solo"]) -> Iterator[Fault]:
    """Yield why people have not confirmed it yet. In a team somebody else than who deployed it has to."""
    number = issue.get("number", "")
    place, close = f"issue {number}", f"look at each point, tick it, then: gh issue close {number} --reason completed"
    title, author = str(issue.get("title", "")), _login(issue, "user")
    if not title.endswith(f" {record.tree}") or author != _BOT:
        yield Fault(place, "is not the checklist that was opened for this tree", _AGAIN)
        return
    if issue.get("state") != "closed" or issue.get("state_reason") != "completed":
        yield Fault(place, "is not closed as completed: nobody has looked at staging yet", close)
        return
    for point in _OPEN_BOX.findall(str(issue.get("body") or "")):
        yield Fault(place, f"is closed, and nobody ticked: {point}", close)
    closer = _login(issue, "closed_by")
    if not closer or closer.endswith("[bot]"):
        yield Fault(place, "was closed by no person", f"gh issue reopen {number}; then {close}")
    elif profile == "team" and closer == record.by:
        message = f"was closed by {closer}, who deployed it; in a team somebody else looks (governance.profile)"
        yield Fault(place, message, f"gh issue reopen {number}; then somebody else: {close}")


def _login(issue: Mapping[str, Any], who: str) -> str:
    person = issue.get(who)
    return str(person.get("login", "")) if isinstance(person, dict) else ""


def markdown(record: Record) -> str:
    """Return the report for people. What others wrote stands as code, in which GitHub finds no mention and no link."""
    verdict = "passed" if record.passed else "did not pass"
    lines = [f"### Staging validation {verdict}", "", f"Tree `{record.tree}`, commit `{record.commit}`.", ""]
    lines += ["| item | what was looked at | result | seen |", "|---|---|---|---|"]
    for check in record.checks:
        result = "✓" if check.passed else ("✗" if check.blocking else "slower than it should be; stops nothing")
        lines.append(f"| {check.item} | {_code(check.name)} | {result} | {_code(check.detail)} |")
    lines += [f"| {item} | | ✗ | not looked at |" for item in record.missing]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    plain = " ".join(text.split()).replace("`", "'").replace("|", "/")
    return f"`{plain}`" if plain else ""
