from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.providers import checks
from bulkhead.localclouds.providers.checks import Check
from bulkhead.localclouds.providers.wire import UNKNOWN

KINDS = {"d1": ("databaseId", ""), "r2": ("bucketName", "jurisdiction")}


@pytest.mark.parametrize(
    ("check", "good", "bad", "said"),
    [
        (checks.one_of("a", "x", "y"), {"a": "x"}, {"a": "z"}, "a: must be one of x, y"),
        (checks.one_of("l[*].t", "x"), {"l": [{"t": "x"}]}, {"l": [{}, {"t": "y"}]}, "l[1].t: must be one of x"),
        (checks.one_of("m.*.t", "x"), {"m": {"k": {"t": "x"}}}, {"m": {"k": {"t": 1}}}, "m.k.t: must be one of x"),
        (checks.shaped("a", "[0-9]+", "digits"), {"a": "1"}, {"a": "1x"}, "a: must be digits"),
        (checks.between("a", 0, 10), {"a": 10}, {"a": 10.5}, "a: must be from 0 to 10"),
        (checks.sized("a", 1, 2), {"a": [1]}, {"a": []}, "a: must have from 1 to 2 items"),
        (checks.limited("a", 6), {"a": "日本"}, {"a": "日本語"}, "a: has 9 bytes, and at most 6 are taken"),
        (
            checks.limited("l[*].a", 1),
            {"l": [{"a": "x"}]},
            {"l": [{}, {"a": "xy"}]},
            "l[1].a: has 2 bytes, and at most 1 are taken",
        ),
        (checks.limited("l", 1), {"l": [1]}, {"l": [1, 2]}, "l: has 2 items, and at most 1 are taken"),
        (checks.needs("", "a"), {"a": 1}, {}, "a: required property is missing"),
        (checks.needs("o", "a"), {"o": {"a": 1}}, {"o": {}}, "o.a: required property is missing"),
        (
            checks.exactly_one("", "a", "b"),
            {"a": 1},
            {"a": 1, "b": 2},
            "exactly one of a, b must be given, and there are a and b",
        ),
        (
            checks.exactly_one("o", "a", "b"),
            {"o": {"b": 1}},
            {"o": {}},
            "o: exactly one of a, b must be given, and there is none",
        ),
        (
            checks.at_most_one("", "a", "b"),
            {},
            {"a": 1, "b": 2},
            "at most one of a, b must be given, and there are a and b",
        ),
        (
            checks.by_kind("l[*]", "type", KINDS),
            {"l": [{"type": "d1", "name": "N", "databaseId": UNKNOWN}]},
            {"l": [{"type": "d1", "name": "N"}]},
            "l[0].databaseId: required by type d1, and is missing",
        ),
        (
            checks.by_kind("l[*]", "type", KINDS),
            {"l": [{"type": "r2", "bucketName": "b", "jurisdiction": "eu"}]},
            {"l": [{"type": "d1", "databaseId": "x", "bucketName": "b"}]},
            "l[0].bucketName: does not belong to type d1",
        ),
        (checks.by_kind("", "type", KINDS), {"type": UNKNOWN}, {"type": "kv"}, "type: must be one of d1, r2"),
        (
            checks.distinct("l[*].id"),
            {"l": [{"id": "a"}, {"id": "b"}]},
            {"l": [{"id": "a"}, {"id": "a"}]},
            "l[1].id: is the same as l[0].id, and both would be one thing",
        ),
        (checks.json_text("a"), {"a": "{}"}, {"a": "{"}, "a: is not valid JSON"),
    ],
)
def test_a_check_says_what_is_wrong_and_where(check: Check, good: Any, bad: Any, said: str) -> None:
    assert list(check(good)) == []
    assert list(check(bad)) == [said]


def test_what_is_unknown_or_absent_is_not_checked() -> None:
    for check in (checks.one_of("a", "x"), checks.shaped("a", "x", "x"), checks.between("a", 1, 2)):
        assert list(check({"a": UNKNOWN})) == []
        assert list(check({})) == []
    assert list(checks.distinct("l[*]")({"l": [UNKNOWN, UNKNOWN]})) == []


def test_a_path_leads_through_lists_and_maps() -> None:
    inputs = {"a": [{"b": {"x": 1, "y": 2}}, {"b": UNKNOWN}, {}]}
    assert list(checks.at(inputs, "a[*].b.*")) == [("a[0].b.x", 1), ("a[0].b.y", 2)]


def test_known_means_known_to_the_last_part() -> None:
    assert checks.known({"a": {"b": [1]}}, "a")
    assert not checks.known({"a": {"b": [UNKNOWN]}}, "a")
    assert not checks.known({}, "a")
