from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.providers.diff import Change, differences
from bulkhead.localclouds.providers.rules import EVERYTHING, TypeRules, new_uuid
from bulkhead.localclouds.providers.wire import UNKNOWN

RULES = TypeRules(
    type="t", identify=new_uuid, replaces=frozenset({"name"}), settled_at_birth=frozenset({"branch", "tag"})
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", Change.CHANGED, False)]),
        ({}, {"a": {"b": 1}}, [("a", Change.ADDED, False)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, [("a.c", Change.REMOVED, False)]),
        ({"l": [{"x": 1}, {"x": 2}]}, {"l": [{"x": 1}, {"x": 3}]}, [("l[1].x", Change.CHANGED, False)]),
        ({"l": [1]}, {"l": [1, 2]}, [("l", Change.CHANGED, False)]),
        ({"name": "a"}, {"name": "b"}, [("name", Change.CHANGED, True)]),
        ({"name": {"deep": "a"}}, {"name": {"deep": UNKNOWN}}, [("name.deep", Change.CHANGED, True)]),
        ({"branch": "a"}, {"branch": "b"}, [("branch", Change.CHANGED, False)]),
        ({"branch": "a"}, {"tag": "a"}, [("branch", Change.REMOVED, True), ("tag", Change.ADDED, True)]),
        ({"a": 1, "__defaults": ["a"]}, {"a": 1}, []),
        ({"a": 1}, {"a": UNKNOWN}, [("a", Change.CHANGED, False)]),
    ],
)
def test_differences(old: dict[str, Any], new: dict[str, Any], expected: list[Any]) -> None:
    assert [(d.path, d.change, d.forces_new) for d in differences(RULES, old, new)] == expected


def test_of_an_immutable_type_everything_forces_a_new_one() -> None:
    rules = TypeRules(type="t", identify=new_uuid, replaces=EVERYTHING)
    assert [d.forces_new for d in differences(rules, {"a": 1}, {"a": 2, "b": 1})] == [True, True]
