"""What every restore of a database does in the same way: users wait, and what it made is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.delivery.journal import Run
from jobs.d1.load import differences, orphans
from jobs.d1.manifest import Manifest
from jobs.d1.schema import DumpFailed

MAINTENANCE: Final = "maintenance"
QUIET: Final = "quiet"
_LEAST: Final = timedelta(minutes=15)  # of maintenance that is announced
_PAUSES: Final = (1.0, 2.0, 4.0)  # seconds until a database that was just changed is asked again
_MOST: Final = 5  # differences that are told


class Maintenance(Protocol):
    """Whether the stage's users wait, and with them its queues and crons."""

    def is_on(self) -> bool: ...

    def on(self, until: datetime) -> object:
        """Let them wait; doing it twice comes to the same."""

    def off(self) -> list[str]:
        """Let everything go on as before, and return what does not, in words; doing it twice comes to the same."""


@dataclass(frozen=True, slots=True)
class Dump:
    """The SQL of a backup, fetched and compared with its manifest, in a folder of this process."""

    file: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Waiting:
    """The users of a stage wait while ``run`` goes on. ``maintenance`` is None where nobody is to; ``last`` is how long
    a restore took before."""

    maintenance: Maintenance | None
    run: Run
    last: timedelta
    say: Callable[[str], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def begin(self) -> None:
        """Let them wait, whatever was done for that before this process."""
        maintenance = self.maintenance
        if maintenance is None:
            return
        if noted(self.run, MAINTENANCE) is None:
            self.run.note(MAINTENANCE, {"was_on": maintenance.is_on()})
        # It counts as on from its first half; and who knows who has ended it since this run was killed.
        half = noted(self.run, QUIET) is None and not facts_of(self.run, MAINTENANCE)["was_on"]
        if half or not maintenance.is_on():
            self.say("Maintenance on ...")
            maintenance.on(self.now() + max(_LEAST, 2 * self.last))
        if noted(self.run, QUIET) is None:
            self.run.note(QUIET)

    def end(self, stage: str) -> str:
        """Let them go on, unless they waited before; return what is to be said of that, empty where nothing is."""
        before = noted(self.run, MAINTENANCE)
        if self.maintenance is None or before is None:
            return ""
        if before["was_on"]:
            return f"; maintenance was on before, and stays: bulkhead maintenance off {stage}"
        self.say("Maintenance off ...")
        for left in self.maintenance.off():
            self.say(f"not as before: {left}")
        return ""


def noted(run: Run, step: str) -> Mapping[str, Any] | None:
    """Return the facts of a step as they were noted last, None where a run has not come to it."""
    return next((each.facts for each in reversed(run.entries()) if each.step == step), None)


def facts_of(run: Run, step: str) -> Mapping[str, Any]:
    """Return the facts of a step that a run has come to."""
    facts = noted(run, step)
    if facts is None:
        raise RuntimeError(f"run {run.id} has not come to {step}")
    return facts


def checked(database: D1, manifest: Manifest | None) -> tuple[str, list[str]]:
    """Return in what a database is not right, empty where it is, and what is to be said of it all the same. With a
    ``manifest`` every value is compared."""
    try:
        if (said := _quick_check(database)) != "ok":
            return f"quick_check: {said}", []
        if manifest is not None and (wrong := told(differences(database.raw, manifest))):
            return wrong, []
        return "", orphans(database.raw, SqlFailed)
    except (DumpFailed, SqlFailed) as failed:
        return str(failed), []


def told(lines: list[str]) -> str:
    """Return differences in one line, the first few of them."""
    more = f"; and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
    return "; ".join(lines[:_MOST]) + more


def _quick_check(database: D1) -> str:
    """Return what SQLite says of the database. D1 cancels what is asked while it puts other data in its place."""
    for pause in _PAUSES:
        with suppress(SqlFailed):
            return _said(database, "PRAGMA quick_check")
        time.sleep(pause)
    return _said(database, "PRAGMA quick_check")


def _said(database: D1, sql: str) -> str:
    return str(next(iter(database.raw(sql)))[0])
