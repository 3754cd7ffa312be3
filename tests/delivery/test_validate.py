"""Each look at a stage says what it saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB
from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Traffic
from bulkhead.delivery import history, validate
from bulkhead.delivery.answers import Answer, Outcome
from bulkhead.delivery.history import History
from bulkhead.delivery.migrations.stage import Folder, found
from bulkhead.delivery.probes import Prober, Smoke
from bulkhead.delivery.validation import Check
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.model.alarms import alarms_of, read_alarms
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.roles import Role
from bulkhead.model.tasks import read_tasks
from bulkhead.resources import types as t
from identities.cloudflare import token_policies
from infra.product import PRODUCT
from tests.support.answering import Answering
from tests.support.cloudflare_api import TOKEN, open_api
from tests.support.migrations import Migrations
from tests.support.released import Released
from tests.support.settings_fixture import make_settings
from tests.support.sqlite_stage import SqliteStage

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED


def answer(name: str, ms: int = 50, outcome: Outcome = PASSED, reason: str = "") -> Answer:
    return Answer(name, outcome, 200, ms, (), reason)


@dataclass
class Asked:
    """Stands for the prober: what it would see."""

    well: Sequence[Answer] = (answer("health of web"),)
    smoked: Smoke = field(default_factory=lambda: Smoke((answer("home"),)))

    def health(self, *_: Any, **__: Any) -> tuple[Answer, ...]:
        return tuple(self.well)

    def smoke(self, *_: Any, **__: Any) -> Smoke:
        return self.smoked


def prober(**seen: Any) -> Prober:
    return cast(Prober, Asked(**seen))


def told(checks: Any) -> dict[tuple[str, str], bool]:
    return {(check.item, check.name): check.passed for check in checks}


# --- probes, journeys, load


def test_probes_and_journeys_are_told_apart() -> None:
    journey = PRODUCT.journeys[0].name
    smoke = Smoke((answer("home"), answer(journey, outcome=FAILED, reason="500")), ("a chat: not made",))
    seen = told(validate.asked(prober(smoked=smoke), PRODUCT))
    assert seen == {
        ("probes", "health of web"): True,
        ("probes", "home"): True,
        ("journeys", journey): False,
        ("journeys", "a chat"): False,
    }


class Clock:
    """Goes on by a second each time it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize(("ms", "good"), [(200, True), (201, False)])
def test_the_speed_under_load_is_told_and_stops_nothing(ms: int, good: bool) -> None:
    [check] = validate.load(prober(well=[answer("a", ms)]), 200, Clock())
    assert (check.passed, check.blocking) == (good, False)
    assert f"p95 {ms} ms" in check.detail


def test_the_slowest_twentieth_does_not_count_and_what_was_not_answered_does() -> None:
    well = [answer("a", 10)] * 96 + [answer("b", 900)] * 4
    [check] = validate.load(prober(well=well), 20, Clock())
    assert check.passed
    assert "p95 10 ms" in check.detail
    [check] = validate.load(prober(well=[*well, answer("c", 1, FAILED)]), 20, Clock())
    assert not check.passed


def test_a_load_that_nothing_answers_is_no_speed() -> None:
    [check] = validate.load(prober(well=[answer("a", 1, FAILED)]), 20, Clock())
    assert not check.passed
    assert "none of" in check.detail


# --- databases


def looked_at(database: Migrations) -> dict[str, Check]:
    folder = Folder("main", "harbor-staging-d1-main", "migrations", database.read())
    return {check.item: check for check in validate.databases([(folder, database.database)])}


def test_a_database_with_the_migrations_of_the_checkout_passes(migrations: Migrations) -> None:
    migrations.write("0001_first.sql", "CREATE TABLE a (b TEXT);")
    migrations.apply()
    seen = looked_at(migrations)
    assert (seen["database"].passed, seen["migrations"].passed) == (True, True)


def test_a_migration_that_is_not_applied_and_one_that_changed_are_told(migrations: Migrations) -> None:
    migrations.write("0001_first.sql", "CREATE TABLE a (b TEXT);")
    migrations.apply()
    migrations.write("0001_first.sql", "CREATE TABLE a (b INTEGER);")
    migrations.write("0002_second.sql", "CREATE TABLE c (d TEXT);")
    seen = looked_at(migrations)["migrations"]
    assert not seen.passed
    assert "0002_second.sql is not applied" in seen.detail
    assert "was changed after it was applied" in seen.detail


def test_a_product_without_databases_has_nothing_to_migrate() -> None:
    assert told(validate.databases([])) == {("database", ""): True, ("migrations", ""): True}


# --- what GitHub knows of the commit


def runs(*named: tuple[str, str | None], app: int = 15368) -> httpx.Response:
    listed = [
        {"name": name, "conclusion": result, "status": "in_progress", "app": {"id": app}} for name, result in named
    ]
    return httpx.Response(200, json={"total_count": len(listed), "check_runs": listed})


NAMES = ("checks / unit", "checks / rehearsal", "checks / lint", "audit")


def of_commit(response: httpx.Response) -> dict[tuple[str, str], bool]:
    with Answering(response).rest(GITHUB) as github:
        return told(validate.checked(github, make_settings("staging"), "1" * 40))


def test_the_tests_and_scans_of_the_commit_have_passed() -> None:
    seen = of_commit(runs(*((name, "success") for name in NAMES)))
    assert seen == {
        ("tests", NAMES[0]): True,
        ("tests", NAMES[1]): True,
        ("scan", NAMES[2]): True,
        ("scan", NAMES[3]): True,
    }


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", "neutral", None])
def test_a_check_that_did_not_succeed_has_failed(result: str | None) -> None:
    seen = of_commit(runs(*((name, result if name == "audit" else "success") for name in NAMES)))
    assert [name for (_, name), passed in seen.items() if not passed] == ["audit"]


def test_a_check_that_ran_twice_must_have_succeeded_twice() -> None:
    seen = of_commit(runs(*((name, "success") for name in NAMES), ("checks / unit", "failure")))
    assert not seen["tests", "checks / unit"]


def test_checks_that_nobody_made_and_those_of_somebody_else_say_nothing() -> None:
    assert set(of_commit(runs()).values()) == {False}
    assert set(of_commit(runs(*((name, "success") for name in NAMES), app=7)).values()) == {False}


# --- alarms, and the way back


def test_an_alarm_that_is_not_in_the_state_is_told() -> None:
    label = Label("harbor", Stage.STAGING, "staging")
    alarms = alarms_of(make_settings("staging"), PRODUCT, read_alarms(), read_tasks())
    wanted = [alarm.name for alarm in alarms]
    assert wanted
    there = [{"type": t.CLOUDWATCH_METRIC_ALARM, "inputs": {"name": label.name(Kind.ALARM, name)}} for name in wanted]
    assert set(told(validate.alarms(label, alarms, there)).values()) == {True}
    seen = told(validate.alarms(label, alarms, there[1:]))
    assert [name for (_, name), passed in seen.items() if not passed] == [wanted[0]]


@dataclass
class Known:
    """Stands for a history: what is live, and what was before."""

    script: str
    live: object | None
    earlier: str | None

    def before(self) -> str | None:
        return self.earlier


@pytest.mark.parametrize(
    ("live", "earlier", "passed", "blocking"),
    [(object(), "v1", True, True), (object(), None, False, False), (None, None, False, True)],
    ids=["a way back", "a first release", "nothing live"],
)
def test_a_first_release_has_no_way_back_and_is_let_go_on(
    live: object | None, earlier: str | None, passed: bool, blocking: bool
) -> None:
    [check] = validate.rollback([cast(History, Known("harbor-staging-worker-web", live, earlier))])
    assert (check.passed, check.blocking) == (passed, blocking)


# --- what the role that validates may do


def test_the_role_s_own_token_reads_all_that_is_looked_at_in_cloudflare_and_changes_nothing(tmp_path: Path) -> None:
    settings, who, narrow = make_settings("staging"), "operations", "token-of-the-role"
    account, label = settings.cloudflare.account_id, make_settings("staging").label(PRODUCT.name)
    policies = [each.as_json() for each in token_policies(Role.OPERATIONS, PRODUCT, label, settings)]
    names = {"cloudflare": {TOKEN: "somebody", narrow: who}}
    tenant = Tenant("staging", account, {}, "acme/harbor", names, {who: policies})
    stage = SqliteStage(tmp_path)
    api = open_api(tmp_path, tenant, stage=lambda _environment: stage)
    folder = Folder("main", label.name(Kind.D1, "main"), "migrations", [])
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as wide, Rest(CLOUDFLARE, narrow, api.transport()) as rest:
        released = Released(api, wide, account)
        released.database()
        released.release("aaaaaaa", *(worker.name for worker in PRODUCT.workers))
        traffic = Traffic(rest, account)
        seen = told(validate.rollback(history.read(traffic, PRODUCT, settings)))
        assert len(seen) == len(PRODUCT.workers)
        assert all(told(validate.databases([(folder, found(rest, settings, folder))])).values())
        live = traffic.live(released.script("web"))
        assert live is not None
        with pytest.raises(ApiRefused, match="403"):
            traffic.deploy(released.script("web"), live.shares, "by the role")
    api.journal.close()
    api.resources.store.close()
