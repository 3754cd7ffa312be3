"""The analytics answer and refuse as Cloudflare's GraphQL does, from what was counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare.api.analytics.datasets import DATASETS
from bulkhead.localclouds.cloudflare.api.analytics.describe import cut
from bulkhead.localclouds.cloudflare.api.analytics.schema import FILE
from bulkhead.model.failures import Failed
from tests.localclouds.cloudflare.api.test_app import token_with
from tests.support.cloudflare_api import ACCOUNT, OTHER_ACCOUNT, ZONE
from tests.support.counted_stage import NOON, CountedStage

FILTER = 'datetime_geq:"2027-01-15T12:00:00Z",datetime_lt:"2027-01-15T12:01:00Z"'
ON_A_ZONE = f"com.cloudflare.api.account.zone.{ZONE}"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[CountedStage]:
    opened = CountedStage(tmp_path)
    yield opened
    opened.close()


def workers(selected: str, more: str = "", arguments: str = "limit:100", account: str = ACCOUNT) -> str:
    """Return a query for the invocations of a minute."""
    node = f"workersInvocationsAdaptive({arguments},filter:{{{FILTER}{more}}}){{{selected}}}"
    return f'{{viewer{{accounts(filter:{{accountTag:"{account}"}}){{{node}}}}}}}'


def zone(selected: str, more: str = "", zone: str = ZONE) -> str:
    node = f"httpRequestsAdaptiveGroups(limit:100,filter:{{{FILTER}{more}}}){{{selected}}}"
    return f'{{viewer{{zones(filter:{{zoneTag:"{zone}"}}){{{node}}}}}}}'


def rows(stage: CountedStage, query: str, **variables: Any) -> list[Any]:
    answer = stage.ask(query, **variables)
    assert answer["errors"] is None, answer
    ((scope, (node,)),) = answer["data"]["viewer"].items()
    return list(next(value for name, value in node.items() if name != f"{scope[:-1]}Tag"))


def refusal(stage: CountedStage, query: str, **more: Any) -> str:
    """Return the only message of a refusal, whose form is the vendor's."""
    status, answer = stage.api.call("POST", "/graphql", {"query": query, **more})
    assert status == 200
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error.keys() == {"message", "path", "extensions"}
    assert error["extensions"]["timestamp"].endswith("Z")
    return str(error["message"])


def test_rows_are_told_apart_by_the_dimensions_that_are_asked_for(stage: CountedStage) -> None:
    stage.invoked("one", 3)
    stage.invoked("one", 2, "scriptThrewException", at=NOON + 30)
    stage.invoked("two", 5, script="booking")
    whole = rows(stage, workers("sum{requests errors}"))
    assert whole == [{"sum": {"requests": 10, "errors": 2}}]
    by_status = rows(stage, workers("dimensions{scriptName status datetimeMinute} sum{requests} avg{sampleInterval}"))
    assert sorted((each["dimensions"]["status"], each["sum"]["requests"]) for each in by_status) == [
        ("scriptThrewException", 2),
        ("success", 3),
        ("success", 5),
    ]
    assert {each["dimensions"]["datetimeMinute"] for each in by_status} == {"2027-01-15T12:00:00Z"}
    assert {each["avg"]["sampleInterval"] for each in by_status} == {1.0}


@pytest.mark.parametrize(
    ("more", "requests"),
    [
        (',scriptName:"web"', 5),
        (',scriptName_in:["web","booking"]', 10),
        (',scriptName_notin:["web"]', 5),
        (',scriptName_neq:"web"', 5),
        (',scriptName_like:"boo%"', 5),
        (',scriptName_notlike:"%e%"', 5),
        (',status:"scriptThrewException"', 2),
        (',OR:[{status:"scriptThrewException"},{scriptVersion:"two"}]', 7),
        (',AND:[{scriptName:"web"},{status_neq:"success"}]', 2),
        (',datetime_gt:"2027-01-15T12:00:00Z"', 2),
        (',datetimeMinute:"2027-01-15T12:00:00Z"', 10),
        (',date:"2027-01-15"', 10),
        (',datetimeHour_leq:"2027-01-15T20:00:00+09:00"', 0),
        (',datetimeHour_leq:"2027-01-15T12:00:00Z"', 10),
        (',datetimeMinute_lt:"2027-01-15T12:00:00Z"', 0),
    ],
)
def test_a_filter_lets_through_what_it_says(stage: CountedStage, more: str, requests: int) -> None:
    stage.invoked("one", 3)
    stage.invoked("one", 2, "scriptThrewException", at=NOON + 30)
    stage.invoked("two", 5, script="booking")
    found = rows(stage, workers("sum{requests}", more))
    assert sum(each["sum"]["requests"] for each in found) == requests


def test_replies_are_counted_by_hostname_of_the_zone_and_status(stage: CountedStage) -> None:
    stage.replied("example.com", 200, 4)
    stage.replied("example.com", 503, 1)
    stage.replied("api.example.com", 500, 2)
    stage.replied("web.rehearsal.workers.dev", 500, 8)
    stage.replied("badexample.com", 500, 8)
    found = rows(
        stage, zone("count dimensions{clientRequestHTTPHost edgeResponseStatus}", ",edgeResponseStatus_geq:500")
    )
    assert {(each["dimensions"]["clientRequestHTTPHost"], each["count"]) for each in found} == {
        ("example.com", 1),
        ("api.example.com", 2),
    }


def test_quantiles_are_those_of_all_requests_and_in_microseconds(stage: CountedStage) -> None:
    stage.invoked("one", 90, ms=10)
    stage.invoked("one", 9, ms=100, at=NOON + 1)
    stage.invoked("one", 1, ms=1000, at=NOON + 2)
    (row,) = rows(stage, workers("quantiles{wallTimeP50 wallTimeP95 wallTimeP99 wallTimeP999} sum{wallTime}"))
    quantiles = {"wallTimeP50": 10_000, "wallTimeP95": 100_000, "wallTimeP99": 100_000, "wallTimeP999": 1_000_000}
    assert row == {"quantiles": quantiles, "sum": {"wallTime": 900_000 + 900_000 + 1_000_000}}


def test_rows_come_in_the_order_that_is_asked_for_and_no_more_than_wanted(stage: CountedStage) -> None:
    for version, times in (("a", 2), ("b", 9), ("c", 5)):
        stage.invoked(version, times)
    arguments = "limit:2,orderBy:[sum_requests_DESC]"
    found = rows(stage, workers("dimensions{scriptVersion} sum{requests}", arguments=arguments))
    assert [each["dimensions"]["scriptVersion"] for each in found] == ["b", "c"]
    arguments = "limit:9,orderBy:[scriptVersion_ASC]"
    found = rows(stage, workers("dimensions{scriptVersion}", arguments=arguments))
    assert [each["dimensions"]["scriptVersion"] for each in found] == ["a", "b", "c"]


def test_what_happened_a_moment_ago_is_not_told_yet(stage: CountedStage) -> None:
    stage.invoked("one", 5, at=NOON)
    stage.now = NOON + 299.0
    assert rows(stage, workers("sum{requests}")) == []
    stage.now = NOON + 300.0
    assert rows(stage, workers("sum{requests}")) == [{"sum": {"requests": 5}}]


def test_variables_aliases_and_fragments_are_understood(stage: CountedStage) -> None:
    stage.invoked("one", 5)
    query = """query Q($a:string!,$first:Time!){viewer{accounts(filter:{accountTag:$a}){
      mine:workersInvocationsAdaptive(limit:10,filter:{datetime_geq:$first}){...R total:sum{requests}}}}}
      fragment R on AccountWorkersInvocationsAdaptive{dimensions{version:scriptVersion __typename}}"""
    (row,) = rows(stage, query, a=ACCOUNT, first="2027-01-15T12:00:00Z")
    assert row["dimensions"]["version"] == "one"
    assert row["total"] == {"requests": 5}


def test_the_settings_node_says_what_a_query_may_ask(stage: CountedStage) -> None:
    fields = "enabled availableFields maxDuration maxNumberOfFields maxPageSize notOlderThan"
    asked = f"settings{{workersInvocationsAdaptive{{{fields}}}}}"
    query = f'{{viewer{{accounts(filter:{{accountTag:"{ACCOUNT}"}}){{{asked}}}}}}}'
    ((node,),) = stage.ask(query)["data"]["viewer"].values()
    told = node["settings"]["workersInvocationsAdaptive"]
    assert (told["enabled"], told["maxPageSize"], told["maxNumberOfFields"]) == (True, 10_000, 30)
    assert {"dimensions_scriptVersion", "sum_requests", "quantiles_wallTimeP95"} <= set(told["availableFields"])
    assert not [field for field in told["availableFields"] if "cpuTime" in field], "workerd does not measure it"


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: str(dataset.name))
def test_every_field_that_is_available_can_be_asked_for(stage: CountedStage, dataset: Any) -> None:
    stage.invoked("one", 5)
    stage.replied("example.com", 200, 5)
    asked = workers if dataset.scope.value == "account" else zone
    for field in dataset.fields:
        group, _, member = field.partition("_")
        (row,) = rows(stage, asked(f"{group}{{{member}}}" if member else group))
        assert member in row[group] if member else row[group] == 5, field


def test_the_schema_has_what_the_datasets_tell_and_no_more() -> None:
    schema = FILE.read_text()
    assert cut(schema) == schema
    with pytest.raises(Failed, match="AccountWorkersInvocationsAdaptiveSum has no requests"):
        cut(schema.replace("  requests: uint64!\n", ""))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (workers("sum{cpuTimeUs}"), 'unknown field "cpuTimeUs"'),
        (workers("sum{memory}"), 'unknown field "memory"'),
        (workers("sum"), "must have a selection of subfields"),
        (workers("sum{requests}", ",colour:1"), "colour"),
        (workers("sum{requests}", ",scriptName:1"), "is no string"),
        (workers("sum{requests}", ',datetimeMinute:"2027-01-15 12:00"'), "is no time such as 2026-01-31T12:00:00Z"),
        (workers("sum{requests}", ',date:"noon"'), "is no date"),
        (workers("sum{requests}", arguments="limit:0"), "limit must be positive number and not greater than 10000"),
        (workers("sum{requests}", arguments="limit:10001"), "limit must be positive number and not greater than 10000"),
        (workers("sum{requests}", arguments="limit:-1"), "is no whole number"),
        (workers("sum{requests}", arguments="orderBy:[sum_requests_DESC]"), "limit"),
        (workers("sum{requests}", arguments="limit:5,orderBy:[scriptName_ASC]"), "error parsing args"),
        (workers("sum{requests}", account=OTHER_ACCOUNT), "not authorized for that account"),
        (zone("count", zone="b" * 32), f"zones [{'b' * 32}] are not authorized"),
        ("{viewer{accounts{nothing", "Syntax Error"),
        ("mutation{x}", "not configured to execute mutation|mutation"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_refused_as_a_whole(stage: CountedStage, query: str, said: str) -> None:
    message = refusal(stage, query)
    assert any(each in message for each in said.split("|")), message


def test_what_is_too_old_too_wide_or_has_no_beginning_is_refused(stage: CountedStage) -> None:
    def said(wanted: str) -> str:
        return refusal(stage, workers("sum{requests}").replace(FILTER, wanted))

    wide = 'datetime_geq:"2027-01-01T00:00:00Z",datetime_lt:"2027-01-15T12:00:00Z"'
    assert said(wide) == (
        f'query time range is too large for account "{ACCOUNT}". '
        "Time range can't be wider than 604800s, but it's 1252800s"
    )
    assert "too large" in said('scriptName:"web"')
    old = 'datetime_geq:"2026-01-01T00:00:00Z",datetime_lt:"2026-01-02T00:00:00Z"'
    assert said(old) == "cannot request data older than 7776000s"


def test_a_refusal_says_of_which_node(stage: CountedStage) -> None:
    answer = stage.ask(workers("sum{requests}", arguments="limit:0"))
    assert answer["errors"][0]["path"] == ["viewer", "accounts", "0", "workersInvocationsAdaptive"]


@pytest.mark.parametrize("body", [{}, {"query": 1}, {"query": "{viewer{budget}}", "variables": []}])
def test_a_body_without_a_query_is_refused(stage: CountedStage, body: Any) -> None:
    assert "query contains error" in stage.api.call("POST", "/graphql", body)[1]["errors"][0]["message"]


@pytest.mark.parametrize(
    ("group", "key", "account", "of_zone"),
    [
        ("Account Analytics Read", f"com.cloudflare.api.account.{ACCOUNT}", True, False),
        ("Analytics Read", ON_A_ZONE, False, True),
        ("Analytics Read", f"com.cloudflare.api.account.zone.{'b' * 32}", False, False),
    ],
)
def test_a_token_sees_what_its_permission_is_of(
    stage: CountedStage, group: str, key: str, account: bool, of_zone: bool
) -> None:
    token = token_with(stage.api, group, key)
    assert (stage.ask(workers("sum{requests}"), token)["errors"] is None) == account
    assert (stage.ask(zone("count"), token)["errors"] is None) == of_zone


def test_a_token_for_something_else_is_let_in_nowhere(stage: CountedStage) -> None:
    token = token_with(stage.api, "D1 Write")
    assert stage.api.refused("POST", "/graphql", {"query": "{viewer{budget}}"}, token) == (403, [10000])


def test_a_token_has_three_hundred_queries_in_five_minutes(stage: CountedStage) -> None:
    assert stage.ask("{viewer{budget}}")["data"]["viewer"]["budget"] == 299
    for _ in range(299):
        stage.ask("{viewer{budget}}")
    status, answer = stage.api.call("POST", "/graphql", {"query": "{viewer{budget}}"})
    assert (status, answer["errors"][0]["message"]) == (429, "rate limiter budget depleted, try again after 5 minutes")
