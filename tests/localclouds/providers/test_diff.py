from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.providers.diff import ChangeKind, differences
from bulkhead.localclouds.providers.rules import TypeRules, new_uuid
from bulkhead.localclouds.providers.wire import UNKNOWN
from bulkhead.resources.kind import EACH_NEW, EVERY_INPUT, ResourceType


def rules(replaced_by: frozenset[str], replaced_when_added_or_removed: frozenset[str] = frozenset()) -> TypeRules:
    type_ = ResourceType(
        "made:up:Type",
        admitted=True,
        holds_data="",
        identity_inputs=EACH_NEW,
        left_behind="",
        references=(),
        replaced_by=replaced_by,
    )
    return TypeRules(type=type_, identify=new_uuid, replaced_when_added_or_removed=replaced_when_added_or_removed)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", ChangeKind.CHANGED, False)]),
        ({}, {"a": {"b": 1}}, [("a", ChangeKind.ADDED, False)]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, [("a.c", ChangeKind.REMOVED, False)]),
        ({"l": [{"x": 1}, {"x": 2}]}, {"l": [{"x": 1}, {"x": 3}]}, [("l[1].x", ChangeKind.CHANGED, False)]),
        ({"l": [1]}, {"l": [1, 2]}, [("l", ChangeKind.CHANGED, False)]),
        ({"name": "a"}, {"name": "b"}, [("name", ChangeKind.CHANGED, True)]),
        ({"name": {"deep": "a"}}, {"name": {"deep": UNKNOWN}}, [("name.deep", ChangeKind.CHANGED, True)]),
        ({"branch": "a"}, {"branch": "b"}, [("branch", ChangeKind.CHANGED, False)]),
        ({"branch": "a"}, {"tag": "a"}, [("branch", ChangeKind.REMOVED, True), ("tag", ChangeKind.ADDED, True)]),
        ({"a": 1, "__defaults": ["a"]}, {"a": 1}, []),
        ({"a": 1}, {"a": UNKNOWN}, [("a", ChangeKind.CHANGED, False)]),
    ],
)
def test_differences(old: dict[str, Any], new: dict[str, Any], expected: list[Any]) -> None:
    assert [
        (d.path, d.change, d.forces_new)
        for d in differences(rules(frozenset({"name"}), frozenset({"branch", "tag"})), old, new)
    ] == expected


def test_of_an_immutable_type_everything_forces_a_new_one() -> None:
    assert [d.forces_new for d in differences(rules(EVERY_INPUT), {"a": 1}, {"a": 2, "b": 1})] == [True, True]
