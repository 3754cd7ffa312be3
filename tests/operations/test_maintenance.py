"""A stage goes under maintenance and comes back as it was, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, Sites
from bulkhead.clients.repeats import Patience
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import Visitor
from bulkhead.model.faults import Refused
from bulkhead.model.product import Product, ProductFault, Worker
from bulkhead.operations.maintenance.site import SIGN
from bulkhead.operations.maintenance.switch import Maintenance
from tests.support.cloudflare_api import TOKEN
from tests.support.kept_stage import (
    CRONS,
    HOST,
    MAINTENANCE,
    OF_THE_ROLE,
    PRODUCT,
    ROUTES,
    WORKER,
    KeptStage,
    kept_stage,
)
from tests.support.settings_fixture import make_settings

UNTIL = datetime(2026, 9, 1, 4, tzinfo=UTC)
CLERK = WORKER.format("clerk")
WORKERS = f"/accounts/{'2' * 32}/workers/workers"
RECORD = "delivery/staging/maintenance.json"


class Killed(Exception):
    """The process ends here."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[KeptStage]:
    made = kept_stage(tmp_path)
    yield made
    made.api.journal.close()
    made.api.resources.store.close()


def killed_after(steps: int) -> Any:
    """Return what lets a process die when it is about to take its step after ``steps`` others."""
    left = iter(range(steps))

    def require() -> None:
        if next(left, None) is None:
            raise Killed

    return require


def test_all_that_reaches_the_product_is_taken(stage: KeptStage) -> None:
    stage.maintenance().on(UNTIL)
    seen = stage.seen()
    assert seen["routes"] == {f"{HOST}/*": MAINTENANCE, f"admin.{HOST}/*": MAINTENANCE}
    assert not any(each["enabled"] for each in seen["addresses"].values())
    assert set(map(tuple, seen["crons"].values())) == {()}
    assert set(seen["queues"].values()) == {True}
    assert stage.maintenance().is_on()


def test_what_was_taken_comes_back_just_as_it_was(stage: KeptStage) -> None:
    before = stage.seen()
    assert stage.crons(CLERK) == CRONS, "not what the program says, but what was found"
    stage.maintenance().on(UNTIL)
    assert stage.seen() != before
    assert stage.maintenance().off() == []
    assert stage.seen() == before
    assert not stage.maintenance().is_on()


def test_the_stages_own_token_may_do_all_of_it(stage: KeptStage) -> None:
    before = stage.seen()
    own = Rest(CLOUDFLARE, OF_THE_ROLE, stage.api.transport())
    stage.maintenance(client=own).on(UNTIL)
    assert stage.maintenance(client=own).status().as_recorded
    stage.maintenance(client=own).off()
    assert stage.seen() == before


def test_nothing_of_it_is_left_afterwards(stage: KeptStage) -> None:
    before = {each["name"] for each in stage.api.result("GET", WORKERS)}
    stage.maintenance().on(UNTIL)
    assert {each["name"] for each in stage.api.result("GET", WORKERS)} - before == {MAINTENANCE}
    stage.maintenance().off()
    assert {each["name"] for each in stage.api.result("GET", WORKERS)} == before


def test_a_queue_that_was_paused_before_stays_paused(stage: KeptStage) -> None:
    queues = stage.api.result("GET", f"/accounts/{'2' * 32}/queues")
    (failed,) = [each for each in queues if each["queue_name"].endswith("failed")]
    body = {"settings": {"delivery_paused": True}}
    stage.api.result("PATCH", f"/accounts/{'2' * 32}/queues/{failed['queue_id']}", body)
    stage.maintenance().on(UNTIL)
    stage.maintenance().off()
    assert stage.seen()["queues"] == {"harbor-staging-queue-events": False, "harbor-staging-queue-failed": True}


def test_routes_to_the_product_lead_to_the_maintenance_meanwhile_and_no_others_do(stage: KeptStage) -> None:
    routes = {
        f"{HOST}/api/*": WORKER.format("admin"),
        f"{HOST}/free*": None,
        "old.harbor.example/*": WORKER.format("web"),
        "*.harbor.example/*": None,
        "other.harbor.example/*": None,
    }
    for pattern, script in routes.items():
        stage.api.result("POST", ROUTES, {"pattern": pattern, **({"script": script} if script else {})})
    stage.maintenance().on(UNTIL)
    meanwhile = stage.seen()["routes"]
    others = [each for each, script in meanwhile.items() if script != MAINTENANCE]
    assert others == ["*.harbor.example/*", "other.harbor.example/*"]
    stage.maintenance().off()
    assert stage.seen()["routes"] == routes


@pytest.mark.parametrize("steps", range(9))
def test_whoever_is_killed_on_the_way_in_is_continued(stage: KeptStage, steps: int) -> None:
    before = stage.seen()
    with pytest.raises(Killed):
        stage.maintenance(require=killed_after(steps)).on(UNTIL)
    stage.maintenance().on(UNTIL)
    assert stage.maintenance().status().as_recorded
    assert set(stage.seen()["queues"].values()) == {True}
    stage.maintenance().off()
    assert stage.seen() == before


@pytest.mark.parametrize("steps", range(9))
def test_whoever_is_killed_on_the_way_in_can_turn_back(stage: KeptStage, steps: int) -> None:
    before = stage.seen()
    with pytest.raises(Killed):
        stage.maintenance(require=killed_after(steps)).on(UNTIL)
    stage.maintenance().off()
    assert stage.seen() == before


@pytest.mark.parametrize("steps", range(9))
def test_whoever_is_killed_on_the_way_out_is_continued(stage: KeptStage, steps: int) -> None:
    before = stage.seen()
    stage.maintenance().on(UNTIL)
    with pytest.raises(Killed):
        stage.maintenance(require=killed_after(steps)).off()
    assert stage.maintenance().is_on()
    stage.maintenance().off()
    assert stage.seen() == before


@pytest.mark.parametrize("steps", range(2, 9))
def test_whoever_is_killed_on_the_way_out_can_turn_back(stage: KeptStage, steps: int) -> None:
    before = stage.seen()
    stage.maintenance().on(UNTIL)
    with pytest.raises(Killed):
        stage.maintenance(require=killed_after(steps)).off()
    stage.maintenance().on(UNTIL)
    assert stage.maintenance().status().as_recorded
    stage.maintenance().off()
    assert stage.seen() == before


def test_what_an_up_brought_meanwhile_is_kept_and_told(stage: KeptStage) -> None:
    stage.maintenance().on(UNTIL)
    stage.schedule(CLERK, "30 * * * *")
    told = stage.maintenance().off()
    assert told == [f"crons: {CLERK} runs at 30 * * * * by now, and ran at {', '.join(CRONS)}"]
    assert stage.crons(CLERK) == ["30 * * * *"]


def test_what_an_up_brought_meanwhile_is_taken_by_whoever_says_on_again(stage: KeptStage) -> None:
    stage.maintenance().on(UNTIL)
    stage.schedule(CLERK, "30 * * * *")
    stage.maintenance().on(UNTIL + timedelta(hours=1))
    assert stage.crons(CLERK) == []
    stage.maintenance().off()
    assert stage.crons(CLERK) == ["30 * * * *"]


def test_each_time_there_is_another_pass_and_nobody_writes_it_down(stage: KeptStage) -> None:
    first = stage.maintenance().on(UNTIL)
    second = stage.maintenance().on(UNTIL)
    assert first != second
    content = stage.api.result("GET", f"/accounts/{'2' * 32}/workers/scripts/{MAINTENANCE}/settings")
    kept = json.dumps(content) + stage.bucket.there[RECORD].decode()
    assert first not in kept
    assert second not in kept


def test_a_maintenance_keeps_when_it_began_and_says_anew_until_when_it_is(stage: KeptStage) -> None:
    stage.maintenance().on(UNTIL, "a first word")
    began = record(stage)
    stage.maintenance().on(UNTIL + timedelta(hours=2), "another")
    assert record(stage).since == began.since
    assert (record(stage).until - began.until, record(stage).message) == (timedelta(hours=2), "another")


def record(stage: KeptStage) -> Any:
    return stage.maintenance().status().record


def test_turning_off_what_is_off_does_nothing(stage: KeptStage) -> None:
    before = stage.seen()
    assert stage.maintenance().off() == []
    stage.maintenance().on(UNTIL)
    stage.maintenance().off()
    assert stage.maintenance().off() == []
    assert stage.seen() == before


def test_a_route_that_was_taken_away_by_hand_shows(stage: KeptStage) -> None:
    stage.maintenance().on(UNTIL)
    assert stage.maintenance().status().as_recorded
    (route,) = [each for each in stage.api.result("GET", ROUTES) if each["pattern"] == f"{HOST}/*"]
    stage.api.result("DELETE", f"{ROUTES}/{route['id']}")
    status = stage.maintenance().status()
    assert (status.on, status.as_recorded) == (True, False)
    assert (status.led, status.loose) == ((f"admin.{HOST}",), (f"hostnames: {HOST}/*",))


def test_what_an_up_brought_back_meanwhile_shows(stage: KeptStage) -> None:
    stage.maintenance().on(UNTIL)
    stage.schedule(CLERK, "30 * * * *")
    assert stage.maintenance().status().loose == (f"crons: {CLERK}",)
    stage.maintenance().on(UNTIL)
    assert stage.maintenance().status().as_recorded


def test_a_route_that_nobody_wrote_down_is_taken_away_with_the_others(stage: KeptStage) -> None:
    before = stage.seen()
    stage.maintenance().on(UNTIL)
    del stage.bucket.there[RECORD]
    status = stage.maintenance().status()
    assert (status.on, status.as_recorded, len(status.led)) == (False, False, 2)
    stage.maintenance().on(UNTIL)
    stage.maintenance().off()
    assert stage.seen()["routes"] == before["routes"]


class Answering(httpx.BaseTransport):
    """Answers the first requests for a route itself."""

    def __init__(self, inner: httpx.BaseTransport, times: int, status: int, code: int, *, done: bool = False) -> None:
        self._inner, self._left, self._done = inner, times, done
        self._answer = {"success": False, "errors": [{"code": code, "message": "no"}], "result": None, "messages": []}
        self._status = status

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST" or not request.url.path.endswith("/workers/routes") or not self._left:
            return self._inner.handle_request(request)
        self._left -= 1
        if self._done:
            self._inner.handle_request(request)
        return httpx.Response(self._status, json=self._answer)


def through(stage: KeptStage, transport: httpx.BaseTransport, **more: Any) -> Maintenance:
    client = Rest(CLOUDFLARE, TOKEN, transport, Patience(lambda _: None))
    return stage.maintenance(client=client, **more)


def test_a_worker_that_routes_do_not_know_yet_is_waited_for(stage: KeptStage) -> None:
    slept: list[float] = []
    through(stage, Answering(stage.api.transport(), 3, 400, 10019), pause=slept.append).on(UNTIL)
    assert len(slept) == 3
    assert stage.maintenance().status().as_recorded


def test_a_worker_that_routes_never_know_is_not_waited_for_for_ever(stage: KeptStage) -> None:
    slept: list[float] = []
    with pytest.raises(Refused):
        through(stage, Answering(stage.api.transport(), 999, 400, 10019), pause=slept.append).on(UNTIL)
    assert 5 < sum(slept) < 60


def test_a_route_whose_answer_was_lost_is_not_made_twice(stage: KeptStage) -> None:
    through(stage, Answering(stage.api.transport(), 1, 502, 0, done=True)).on(UNTIL)
    assert stage.seen()["routes"] == {f"{HOST}/*": MAINTENANCE, f"admin.{HOST}/*": MAINTENANCE}


def test_of_two_processes_the_slower_one_is_refused(stage: KeptStage) -> None:
    slow = stage.maintenance()
    stage.maintenance().on(UNTIL)
    inner = Interrupting(slow, lambda: stage.maintenance().on(UNTIL, "the faster one"))
    with pytest.raises(Refused, match="written by another process"):
        slow.on(UNTIL, "the slower one")
    assert inner.done
    assert record(stage).message == "the faster one"


class Interrupting:
    """Lets somebody else act when a maintenance has read its record."""

    def __init__(self, slow: Maintenance, act: Any) -> None:
        self.done = False
        found = slow._found

        def then(before: Any) -> Any:
            if not self.done:
                self.done = True
                act()
            return found(before)

        slow._found = then  # type: ignore[method-assign]


@pytest.mark.parametrize(("public", "asked"), [(True, 4), (False, 1)])
def test_a_product_that_sends_visitors_elsewhere_is_no_login(stage: KeptStage, public: bool, asked: int) -> None:
    told: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        told.append(1)
        return httpx.Response(302) if len(told) < asked or not public else httpx.Response(503, headers={SIGN: "on"})

    access = {"public": True, "emailDomains": []} if public else {}
    settings = make_settings("staging", {"access": access})
    one = Product("harbor", (Worker("web", "web.js", host="@"),))
    with Visitor(Sites(), transport=httpx.MockTransport(answer)) as visitor:
        stage.maintenance(settings=settings, product=one, visitor=visitor, pause=lambda _: None).on(UNTIL)
    assert len(told) == asked


def test_a_stage_without_queues_crons_or_hostnames_can_be_switched(stage: KeptStage) -> None:
    product = Product("harbor", (Worker("clerk", "clerk.js"),))
    stage.schedule(CLERK)
    before = stage.seen()
    stage.maintenance(product=product).on(UNTIL)
    assert stage.seen()["routes"] == {}
    stage.maintenance(product=product).off()
    assert stage.seen() == before


def test_a_worker_that_was_never_deployed_is_passed_over(stage: KeptStage) -> None:
    product = Product("harbor", (*PRODUCT.workers, Worker("new", "new.js", crons=("0 * * * *",))))
    stage.maintenance(product=product).on(UNTIL)
    assert stage.maintenance(product=product).off() == []


def test_a_record_that_somebody_else_wrote_is_refused_in_words(stage: KeptStage) -> None:
    stage.bucket.there[RECORD] = b'{"format": 1, "state": "sideways"}'
    with pytest.raises(Refused, match="is no record of a maintenance"):
        stage.maintenance().is_on()


def test_no_worker_of_a_product_has_the_name_of_the_one_for_maintenance() -> None:
    with pytest.raises(ProductFault, match="answers during maintenance"):
        Product("harbor", (Worker("maintenance", "maintenance.js"),))
