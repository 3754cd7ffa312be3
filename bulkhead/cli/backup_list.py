"""The list of a stage's backups, as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from bulkhead.cli.console import BAD, GOOD, WARNING, Console
from bulkhead.operations.backups.books import entries, exposure, uncovered, unsurvived
from jobs.local_time import lasted, shown

if TYPE_CHECKING:
    from bulkhead.operations.backups.books import Entry, Exposure
    from bulkhead.operations.backups.place import Place
    from jobs.verified import Verdict

_UNITS: Final = ("B", "kB", "MB", "GB")
_THOUSAND: Final = 1000


def tell(console: Console, place: Place, chosen: Sequence[str], most: int) -> None:
    now, held = datetime.now(UTC), set(place.held())
    found = {each: entries(place, each, most) for each in chosen}
    for name, some in found.items():
        rows = [_row(each, now, place.settings.timezone, is_held=each.backup in held) for each in some]
        if rows:
            console.table(["key", "age", "size", "rows", "of one moment", "read back"], rows, title=f"{name}:")
    exposures = [exposure(place, each, some, now) for each, some in found.items()]
    for each in exposures:
        console.say(_exposed(each), {True: GOOD, False: BAD, None: ""}[each.is_met])
    left_out = uncovered(place)
    for line in left_out:
        console.say(f"not in any backup: {line}", WARNING)
    losses = unsurvived(place)
    for line in losses:
        console.say(f"no backup outlives the loss of {line}", WARNING)
    console.result(
        {
            "stage": place.stage,
            "backups": [_document(each, is_held=each.backup in held) for some in found.values() for each in some],
            "held": [each.key for each in sorted(held)],
            "lost_now": [
                {
                    "database": each.database,
                    "since": each.since.isoformat() if each.since else None,
                    "minutes": round(each.minutes) if each.minutes is not None else None,
                    "goal_minutes": each.goal,
                    "met": each.is_met,
                }
                for each in exposures
            ],
            "uncovered": left_out,
            "unsurvived": losses,
        }
    )


def _row(each: Entry, now: datetime, zone: str, *, is_held: bool) -> tuple[str, ...]:
    moment = "" if each.manifest is None else "yes" if each.manifest.is_consistent else "no"
    return (
        f"{each.backup.key}{' (held)' if is_held else ''}",
        lasted(now - each.backup.at),
        size(each.bytes),
        "" if each.rows is None else f"{each.rows:,}",
        moment,
        f"no good: {each.fault}" if each.fault else _read_back(each.verdict, zone),
    )


def _read_back(verdict: Verdict | None, zone: str) -> str:
    if verdict is None:
        return "never"
    at = shown(verdict.at, zone)
    return f"{at} in {verdict.seconds:.0f} s" if verdict.is_good else f"{at}: no good: {'; '.join(verdict.reasons)}"


def _exposed(each: Exposure) -> str:
    goal = "; nothing is promised" if each.goal is None else f"; promised are {lasted(timedelta(minutes=each.goal))}"
    if each.minutes is None:
        return f"{each.database}: there is no usable backup, so all of it would be lost{goal}"
    age = lasted(timedelta(minutes=each.minutes))
    return f"{each.database}: were Cloudflare's copy gone, the last {age} would be lost{goal}"


def _document(each: Entry, *, is_held: bool) -> dict[str, Any]:
    verdict = each.verdict
    return {
        "key": each.backup.key,
        "database": each.backup.database,
        "tier": each.backup.tier,
        "at": each.backup.at.isoformat(),
        "bytes": each.bytes,
        "rows": each.rows,
        "consistent": each.manifest.is_consistent if each.manifest else None,
        "fault": each.fault or None,
        "verified": {**asdict(verdict), "at": verdict.at.isoformat(), "good": verdict.is_good} if verdict else None,
        "held": is_held,
    }


def size(count: int | None) -> str:
    if count is None:
        return ""
    value, unit = float(count), 0
    while value >= _THOUSAND and unit < len(_UNITS) - 1:
        value, unit = value / _THOUSAND, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if not unit else f"{value:.1f} {_UNITS[unit]}"
