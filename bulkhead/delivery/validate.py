"""Looks at a stage that was just deployed, item by item, and says what it saw (DEP-6, QLT-2, QLT-4).

Nothing here changes a stage but the journeys, which mark what they leave. An item that cannot be looked at has failed:
what nobody saw, nobody may promise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bulkhead.clients.clouds import said_plainly
from bulkhead.clients.d1 import D1
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Traffic
from bulkhead.delivery import history
from bulkhead.delivery.answers import Answer
from bulkhead.delivery.history import History
from bulkhead.delivery.migrations import run
from bulkhead.delivery.migrations.stage import Folder, found
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.validation import Check, Item
from bulkhead.model import project
from bulkhead.model.alarms import StageAlarm, alarms_of, read_alarms
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.instants import instant
from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Product
from bulkhead.model.project import project_name
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.files import real_faults
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.resources import types as t
from bulkhead.twin.store import Bucket, fetch, place_of
from jobs import drills
from jobs.drills import Standing

OBJECTIVE_MS: Final = 200
"""What 95 of 100 answers of production have to stay below (SLA-3). Staging is smaller: being slower stops nothing."""
_LOAD_SECONDS: Final = 20.0
_AT_ONCE: Final = 4
_LEAST: Final = 100  # answers; of fewer, the slowest 5 % are a handful
_PERCENTILE: Final = 0.95
_TESTS: Final = ("checks / unit", "checks / rehearsal")
_SCANS: Final = ("checks / lint", "audit")
_ACTIONS: Final = 15368
"""The app id of GitHub Actions: a check of the same name from anybody else says nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is looked at, and by what. ``twin`` is where the stage's twin lies, None where nobody said."""

    product: Product
    settings: StageSettings
    cloudflare: Rest
    github: Rest
    prober: Prober
    folders: Sequence[Folder]
    commit: str
    twin: str | None


def looks(seen: Seen) -> Iterator[tuple[Item, Callable[[], Iterator[Check]]]]:
    """Yield each look at the stage, cheapest first; what is measured under load comes last."""
    settings, product = seen.settings, seen.product
    account = settings.cloudflare.account_id
    yield "variables", lambda: variables(settings)
    yield "tests", lambda: checked(seen.github, settings, seen.commit)
    wanted = alarms_of(settings, product, read_alarms(), read_tasks())
    yield "alarms", lambda: alarms(settings.label(product.name), wanted, _resources(seen))
    yield "drill", lambda: drilled(_drills(seen), datetime.now(UTC))
    yield "rollback", lambda: rollback(history.read(Traffic(seen.cloudflare, account), product, settings))
    yield "database", lambda: databases([(each, found(seen.cloudflare, settings, each)) for each in seen.folders])
    yield "probes", lambda: asked(seen.prober, product)
    yield "load", lambda: load(seen.prober)


def _resources(seen: Seen) -> Sequence[Mapping[str, Any]]:
    """Return what the stage's state holds, from its redacted twin: whoever validates may not open the state itself."""
    if seen.twin is None:
        message = "is not said, and the stage's twin says which alarms it has"
        raise Refused("The alarms were not looked at.", [Fault("--twin", message, "--twin s3://<state bucket>")])
    stack = seen.settings.environment
    twin, _ = fetch(place_of(seen.twin, project.ROOT, stack, None, reading=True), project_name(project.ROOT), stack)
    return twin.resources


def _drills(seen: Seen) -> Standing:
    """Return how the stage's drills stand, whose records its jobs keep in the bucket of its state."""
    if not jobs_of(seen.settings, read_tasks()):
        return Standing(None, None)
    place = place_of(seen.twin or "", project.ROOT, seen.settings.environment, None, reading=True)
    if not isinstance(place, Bucket):
        message = "names no bucket, and the records of drills lie beside the stage's state"
        raise Refused("The drills were not looked at.", [Fault("--twin", message, "--twin s3://<state bucket>")])
    with said_plainly("S3", "looking for the records of drills"):
        return drills.standing(place.client, place.name)


def drilled(standing: Standing, now: datetime) -> Iterator[Check]:
    """Yield whether a restore was rehearsed not too long ago, and until when that counts (BAK-12)."""
    until = standing.counts_until
    if until is None:
        yield Check("drill", "restore", True, "there is no backup yet, so there is nothing to rehearse with")
        return
    if standing.last:
        told = f"the last good drill ended {instant(standing.last)}"
    else:
        told = f"no drill was good since there is a backup, {instant(standing.first or until)}"
    overdue = f"; that is more than {drills.COUNTS.days} days ago: docs/runbooks/drill.md" if now > until else ""
    yield Check("drill", "restore", now <= until, told + overdue, until=instant(until))


def variables(settings: StageSettings) -> Iterator[Check]:
    """Yield that the settings are complete (ENV-11): they were read, so every one is there and keeps the rules."""
    faults = [str(fault) for fault in real_faults(settings, project.ROOT)]
    yield Check("variables", "settings", not faults, "; ".join(faults) or "complete, and no example value")


def looked(item: Item, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """Return the checks of ``look``; where it could not look, one that failed and says why."""
    try:
        return list(look()) or [Check(item, "", False, "there was nothing to look at")]
    except Refused as refused:
        told = "; ".join(f"{fault.key}: {fault.message}".lstrip(": ") for fault in refused.faults)
        return [Check(item, "", False, told or refused.summary)]
    except Failed as failed:
        return [Check(item, "", False, failed.summary)]


def asked(prober: Prober, product: Product) -> Iterator[Check]:
    """Yield whether each public Worker is well, and each probe and each journey of the product passes, in the time that
    the settings allow (QLT-2, DEP-8)."""
    journeys = {journey.name for journey in product.journeys}
    smoke = prober.smoke()
    for answer in (*prober.health(), *smoke.answers):
        item: Item = "journeys" if answer.probe in journeys else "probes"
        yield Check(item, answer.probe, answer.ok, answer.reason or f"{answer.ms:,} ms")
    for left_out in smoke.left_out:
        yield Check("journeys", left_out.partition(":")[0], False, left_out)
    if not journeys:
        yield Check("journeys", "", True, "the product names none")


def load(
    prober: Prober, seconds: float = _LOAD_SECONDS, clock: Callable[[], float] = time.monotonic
) -> Iterator[Check]:
    """Yield how fast the stage is while a few ask it at once. Only told: it stops nothing."""
    end = clock() + seconds

    def one(_: int) -> list[Answer]:
        answers = list[Answer]()
        while clock() < end:
            answers += prober.health(settling=0)
        return answers

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = [answer for each in threads.map(one, range(_AT_ONCE)) for answer in each]
    took = sorted(answer.ms for answer in answers if answer.ok)
    if not took:
        yield Check("load", "p95", False, f"none of {len(answers)} requests was answered well", blocking=False)
        return
    p95 = took[math.ceil(len(took) * _PERCENTILE) - 1]
    lost = len(answers) - len(took)
    detail = f"p95 {p95:,} ms of {len(took):,} answers, {lost} not well; production's objective is {OBJECTIVE_MS} ms"
    few = f"; {len(took)} answers are few for that" if len(took) < _LEAST else ""
    yield Check("load", "p95", p95 <= OBJECTIVE_MS and not lost, detail + few, blocking=False)


def databases(there: Sequence[tuple[Folder, D1]]) -> Iterator[Check]:
    """Yield whether each database answers and has had the checkout's migrations, no more and no fewer."""
    for folder, database in there:
        plan = run.planned(database, folder.migrations, folder.path, "")
        yield Check("database", folder.physical, True, "answers")
        wrong = [f"{each.migration.name} is not applied" for each in plan.pending]
        wrong += [f"{fault.file}: {fault.message}" for fault in plan.faults]
        wrong += [f"{each.name} has no checksum: bulkhead migrate notes it" for each in plan.unsummed]
        wrong += [note for note in plan.notes if "is not in" in note]
        detail = "; ".join(wrong) or f"all {len(folder.migrations)} applied, with the same checksums"
        yield Check("migrations", folder.physical, not wrong, detail)
    if not there:
        yield Check("database", "", True, "the product has none with migrations")
        yield Check("migrations", "", True, "the product has none")


def checksums(folders: Sequence[Folder]) -> dict[str, dict[str, str]]:
    """Return the checksums of migrations by database and file."""
    return {folder.database: {each.name: each.checksum for each in folder.migrations} for folder in folders}


def checked(github: Rest, settings: StageSettings, commit: str) -> Iterator[Check]:
    """Yield whether the commit's own checks passed on GitHub: its tests, and the scans of it."""
    ours = settings.github
    path = f"/repos/{ours.owner}/{ours.repository}/commits/{commit}/check-runs"
    runs = [run_ for run_ in github.every(path, within="check_runs", filter="latest") if _by_actions(run_)]
    said: dict[str, list[str]] = {}
    for run_ in runs:
        said.setdefault(str(run_["name"]), []).append(str(run_["conclusion"] or run_["status"]))
    items: tuple[tuple[Item, tuple[str, ...]], ...] = (("tests", _TESTS), ("scan", _SCANS))
    for item, names in items:
        for name in names:
            results = said.get(name, [])
            good = bool(results) and set(results) == {"success"}
            detail = ", ".join(sorted(set(results))) or f"GitHub knows no such check of {commit}"
            yield Check(item, name, good, detail)


def alarms(label: Label, wanted: Sequence[StageAlarm], resources: Sequence[Mapping[str, Any]]) -> Iterator[Check]:
    """Yield whether the stage's state holds each of its alarms (QLT-4)."""
    there = {
        str(each.get("inputs", {}).get("name")) for each in resources if each.get("type") == t.CLOUDWATCH_METRIC_ALARM
    }
    for alarm in wanted:
        known = label.name(Kind.ALARM, alarm.name) in there
        yield Check("alarms", alarm.name, known, "is there" if known else "is not in the stage's state")
    if not wanted:
        yield Check("alarms", "", True, "the catalogue has none for this stage")


def rollback(histories: Sequence[History]) -> Iterator[Check]:
    """Yield whether each Worker has a version to go back to."""
    for each in histories:
        if (before := each.before()) is not None:
            yield Check("rollback", each.script, True, f"back to {before}")
        else:  # of a first release there is none, and a second one would not make the first any safer
            told = "its first version answers: there is none to go back to" if each.live else "nothing answers"
            yield Check("rollback", each.script, False, told, blocking=each.live is None)


def _by_actions(check: Mapping[str, Any]) -> bool:
    app = check.get("app")
    return isinstance(app, dict) and app.get("id") == _ACTIONS
