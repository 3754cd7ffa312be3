"""The least keys, from journals made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import pytest

from bulkhead.analysis.keys import Keys, Use, keys, least
from bulkhead.resources.permissions import GROUPS
from bulkhead.resources.token_policies import Policy, Target, account_key

ACCOUNT = "a" * 32
GROUP = {group.name: group for group in GROUPS}
BREADTH = {"Workers Scripts Write": 40, "Workers Scripts Read": 20, "Queues Write": 9, "Queues Read": 5}


def use(call: str, *accepted: str, account: str = ACCOUNT) -> Use:
    method, route = call.split()
    return Use(method, route, frozenset(accepted), Target(account))


def token(*names: str, account: str = ACCOUNT) -> tuple[Policy, ...]:
    return (Policy(True, frozenset(GROUP[name] for name in names), ((account_key(account), ""),)),)


DATABASES = use("GET /d1", "D1 Read", "D1 Write")
MAKE_DATABASE = use("POST /d1", "D1 Write")
MAKE_QUEUE = use("POST /queues", "Queues Write", "Workers Scripts Write")
QUEUES = use("GET /queues", "Queues Read", "Queues Write", "Workers Scripts Read", "Workers Scripts Write")
DEPLOY = use("POST /scripts", "Workers Scripts Write")
VERIFY = use("GET /verify")


def compared(policies: tuple[Policy, ...], *uses: Use, breadth: Mapping[str, int] = BREADTH) -> Keys:
    return keys(policies, uses, breadth)


def test_rights_that_are_just_what_the_calls_need_leave_nothing_to_say() -> None:
    found = compared(token("D1 Write", "Workers Scripts Write"), DATABASES, MAKE_DATABASE, QUEUES, MAKE_QUEUE, DEPLOY)
    assert (found.beyond, found.refused) == ((), ())
    assert found.by == {"D1 Write": (DATABASES, MAKE_DATABASE), "Workers Scripts Write": (QUEUES, MAKE_QUEUE, DEPLOY)}


def test_one_right_too_many_is_named() -> None:
    found = compared(token("D1 Write", "Workers KV Storage Write"), MAKE_DATABASE)
    assert found.beyond == ("Workers KV Storage Write",)
    assert found.by["Workers KV Storage Write"] == ()


def test_one_right_too_few_is_named_by_the_call_that_is_refused() -> None:
    found = compared(token("D1 Read"), DATABASES, MAKE_DATABASE)
    assert found.refused == (MAKE_DATABASE,)
    assert found.needed == {"D1 Write"}


def test_of_two_rights_on_the_same_routes_the_one_that_is_needed_anyway_is_enough() -> None:
    found = compared(token("Queues Write", "Workers Scripts Write"), MAKE_QUEUE, DEPLOY)
    assert found.needed == {"Workers Scripts Write"}
    assert found.beyond == ("Queues Write",)
    assert found.by == {"Queues Write": (), "Workers Scripts Write": (DEPLOY,)}


def test_a_right_that_writes_is_beyond_where_one_that_reads_would_do() -> None:
    found = compared(token("D1 Write"), DATABASES)
    assert found.needed == {"D1 Read"}
    assert found.beyond == ("D1 Write",)


def test_a_right_on_something_else_serves_no_call() -> None:
    found = compared(token("D1 Write", account="b" * 32), MAKE_DATABASE)
    assert found.refused == (MAKE_DATABASE,)


@pytest.mark.parametrize(
    ("uses", "wanted"),
    [
        ((), set()),
        ((VERIFY,), set()),
        ((QUEUES,), {"Queues Read"}),
        ((MAKE_QUEUE,), {"Queues Write"}),
        ((QUEUES, MAKE_QUEUE), {"Queues Write"}),
        ((QUEUES, MAKE_QUEUE, DEPLOY), {"Workers Scripts Write"}),
        # two that read are less than one that writes
        (
            (use("GET /a", "D1 Read", "Zone Write"), use("GET /b", "Queues Read", "Zone Write")),
            {"D1 Read", "Queues Read"},
        ),
        # a greedy choice of what serves most calls would take three
        (
            (
                use("GET /a", "X Read", "Y Read"),
                use("GET /b", "X Read", "Z Read"),
                use("GET /c", "Y Read"),
                use("GET /d", "Z Read"),
            ),
            {"Y Read", "Z Read"},
        ),
    ],
)
def test_the_least_is_the_same_in_whatever_order_the_calls_came(uses: tuple[Use, ...], wanted: set[str]) -> None:
    assert {least(each, BREADTH) for each in permutations(uses)} == {frozenset(wanted)}
