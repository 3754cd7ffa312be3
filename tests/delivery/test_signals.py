"""What users met is known minutes later, from what Cloudflare counted: never guessed, and never taken for zero."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import build_schema, parse, validate

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.refusals import ApiRefused
from bulkhead.delivery.observed import Count
from bulkhead.delivery.signals import Signals
from bulkhead.localclouds.cloudflare.api.analytics.schema import FILE
from bulkhead.model.faults import Refused
from tests.support.answering import Answer, Answering
from tests.support.cloudflare_api import ACCOUNT, ZONE
from tests.support.counted_stage import MINUTE, NOON, CountedStage

WORKERS = ("dimensions_scriptVersion", "sum_requests", "sum_errors", "avg_sampleInterval", "quantiles_wallTimeP95")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[CountedStage]:
    opened = CountedStage(tmp_path)
    yield opened
    opened.close()


def answer(scope: str, node: object) -> httpx.Response:
    return httpx.Response(200, json={"data": {"viewer": {scope: [node]}}, "errors": None})


def settings(scope: str, dataset: str, *fields: str, enabled: bool = True) -> httpx.Response:
    return answer(scope, {"settings": {dataset: {"enabled": enabled, "availableFields": list(fields)}}})


def refused(message: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"data": None, "errors": [{"message": message, "path": None}]})


class Clock:
    now = float(NOON + 1000)


def signals_of(api: Answering) -> Signals:
    return Signals(api.rest(CLOUDFLARE), ACCOUNT, ZONE, clock=lambda: Clock.now)


def test_each_version_has_its_own_requests_errors_and_times(stage: CountedStage) -> None:
    stage.invoked("one", 90, ms=20)
    stage.invoked("two", 8, at=NOON + 59, ms=40)
    stage.invoked("two", 2, "scriptThrewException", at=NOON + 3)
    stage.invoked("one", 7, script="booking")
    with stage.signals() as signals:
        assert signals.minute("web", ["one", "two"], MINUTE) == {"one": Count(90, 0, 20.0), "two": Count(10, 2, 40.0)}


def test_nothing_in_a_minute_that_is_known_is_zero(stage: CountedStage) -> None:
    stage.invoked("one", 5, at=NOON - 1)
    stage.invoked("one", 5, at=NOON + 60)
    with stage.signals() as signals:
        assert signals.minute("web", ["one"], MINUTE) == {"one": Count()}
        assert signals.edge("example.com", MINUTE) == Count()


def test_a_minute_is_not_known_before_it_can_be_complete_and_nobody_is_asked(stage: CountedStage) -> None:
    stage.invoked("one", 5)
    stage.now = NOON + 60 + 299.9
    with stage.signals() as signals:
        assert signals.minute("web", ["one"], MINUTE) is None
        assert signals.edge("example.com", MINUTE) is None
        assert signals.problem == ""
    assert not list(stage.api.journal)


def test_a_minute_may_be_shorter_and_known_sooner(stage: CountedStage) -> None:
    stage.invoked("one", 5, at=NOON - 400)
    with stage.signals(span=2, delay=320.0) as signals:
        assert signals.minute("web", ["one"], (NOON - 400) // 2) == {"one": Count(5, 0, 10.0)}


def test_what_is_known_is_asked_once(stage: CountedStage) -> None:
    with stage.signals() as signals:
        for _ in range(3):
            signals.minute("web", ["one"], MINUTE)
            signals.edge("example.com", MINUTE)
    assert len(list(stage.api.journal)) == 4  # each dataset's settings, and each one's minute


def test_the_edge_counts_what_visitors_of_a_hostname_got(stage: CountedStage) -> None:
    stage.replied("example.com", 200, 90)
    stage.replied("example.com", 404, 5)
    stage.replied("example.com", 500, 3)
    stage.replied("example.com", 503, 2, at=NOON + 30)
    stage.replied("example.com", 500, 50, source="edgeWorkerFetch")
    stage.replied("other.example.com", 500, 50)
    with stage.signals() as signals:
        assert signals.edge("example.com", MINUTE) == Count(100, 5, 20.0)


def test_a_count_says_how_many_requests_each_one_stands_for() -> None:
    row = {
        "dimensions": {"scriptVersion": "one"},
        "sum": {"requests": 1000, "errors": 20},
        "avg": {"sampleInterval": 8},
    }
    dataset = settings("accounts", "workersInvocationsAdaptive", *WORKERS[:4])
    signals = signals_of(Answering(dataset, answer("accounts", {"told": [row]})))
    assert signals.minute("web", ["one"], MINUTE) == {"one": Count(1000, 20, None, 8.0)}


def test_a_field_that_the_plan_lacks_is_not_asked_for() -> None:
    api = Answering(settings("accounts", "workersInvocationsAdaptive", *WORKERS[:4]), answer("accounts", {"told": []}))
    signals_of(api).minute("web", ["one"], MINUTE)
    assert "wallTime" not in api.asked[1].content.decode()


@pytest.mark.parametrize(
    "plan",
    [
        settings("accounts", "workersInvocationsAdaptive", *WORKERS[1:]),
        settings("accounts", "workersInvocationsAdaptive", *WORKERS, enabled=False),
    ],
)
def test_a_plan_that_cannot_tell_versions_apart_is_refused_with_a_way_on(plan: httpx.Response) -> None:
    with pytest.raises(Refused, match=r"(?s)no .*dimensions_scriptVersion.*fix: .*blue-green"):
        signals_of(Answering(plan)).minute("web", ["one"], MINUTE)


def test_a_plan_that_does_not_tell_hostnames_apart_is_no_fault() -> None:
    signals = signals_of(Answering(settings("zones", "httpRequestsAdaptiveGroups", "count", "avg_sampleInterval")))
    assert signals.edge("example.com", MINUTE) is None
    assert "no dimensions_clientRequestHTTPHost, dimensions_edgeResponseStatus" in signals.problem


@pytest.mark.parametrize(
    "silence",
    [
        [httpx.ConnectError] * 4,
        [httpx.Response(503)] * 4,
        [refused("rate limiter budget depleted, try again after 5 minutes")],
        [refused("unable to execute query, please try again later")],
    ],
    ids=["no network", "503", "too many", "too busy"],
)
def test_what_passes_is_not_known_yet_and_is_not_asked_at_once_again(silence: list[Answer]) -> None:
    api = Answering(
        *silence, settings("accounts", "workersInvocationsAdaptive", *WORKERS), answer("accounts", {"told": []})
    )
    signals = signals_of(api)
    assert signals.minute("web", ["one"], MINUTE) is None
    assert "POST /graphql" in signals.problem
    assert signals.minute("web", ["one"], MINUTE) is None
    assert len(api.asked) == len(silence)
    signals.clock = lambda: Clock.now + 15
    assert signals.minute("web", ["one"], MINUTE) == {"one": Count()}
    assert signals.problem == ""


@pytest.mark.parametrize(
    "answered", [refused("not authorized for that account"), refused("does not have access to the path", 403)]
)
def test_what_does_not_pass_by_waiting_is_raised(answered: httpx.Response) -> None:
    with pytest.raises(ApiRefused, match=r"not authorized|no.* access"):
        signals_of(Answering(answered)).minute("web", ["one"], MINUTE)


def test_every_query_is_one_that_cloudflare_takes(stage: CountedStage, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, queries = build_schema(FILE.read_text()), list[str]()
    with stage.signals() as signals:
        post = signals.api.post

        def seen(path: str, json: Any = None, **more: Any) -> Any:
            queries.append(json["query"])
            return post(path, json, **more)

        monkeypatch.setattr(signals.api, "post", seen)
        signals.minute("web", ["one"], MINUTE)
        signals.edge("example.com", MINUTE)
    assert len(queries) == 4
    for query in queries:
        assert validate(schema, parse(query)) == [], json.dumps(query)
