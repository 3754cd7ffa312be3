"""A state that the providers' own plugins made, or a twin of one, is compared by ours as theirs would compare it."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.providers.past import inputs_before
from bulkhead.localclouds.providers.wire import Message, Steps
from bulkhead.resources.sentinels import PLACEHOLDER

SETS = {"tags", "modules", "groups[].teams"}
TEXT: Steps = ("bindings", 0, "text")


def bindings(text: Any) -> dict[str, Any]:
    return {"bindings": [{"name": "STAGE", "text": text}]}


@pytest.mark.parametrize(
    ("old", "outputs", "new"),
    [
        # what bridges and the engine note
        ({"a": 1, "__defaults": []}, {}, {"a": 1}),
        ({"a": {"b": [{"c": 1, "__defaults": []}], "__defaults": []}}, {}, {"a": {"b": [{"c": 1}]}}),
        # what a plugin filled in
        ({"a": 1, "force": False, "__defaults": ["force"]}, {}, {"a": 1}),
        ({"force": False, "__defaults": ["force"]}, {}, {"force": False}),
        # what it computes
        (
            {"modules": [{"file": "f"}]},
            {"modules": [{"file": "f", "sha": "x"}]},
            {"modules": [{"file": "f", "sha": "x"}]},
        ),
        ({}, {"tagsAll": {"a": "b"}}, {"tagsAll": {"a": "b"}}),
        # a set that a refresh left in the plugin's order
        ({"tags": ["a", "b", "c"]}, {"tags": ["a", "b", "c"]}, {"tags": ["c", "a", "b"]}),
        (
            {"modules": [{"file": "a", "__defaults": []}, {"file": "b", "__defaults": []}]},
            {"modules": [{"file": "b", "sha": "y"}, {"file": "a", "sha": "x"}]},
            {"modules": [{"file": "b", "sha": "y"}, {"file": "a", "sha": "x"}]},
        ),
        ({"groups": [{"teams": [1, 2]}]}, {}, {"groups": [{"teams": [2, 1]}]}),
        # a number that does not fit
        ({"rate": "0.1"}, {}, {"rate": 0.1}),
        ({"size": "9007199254740993"}, {}, {"size": 9007199254740993}),
    ],
)
def test_what_a_plugin_adds_and_leaves_out_is_no_change(
    old: dict[str, Any], outputs: dict[str, Any], new: dict[str, Any]
) -> None:
    assert inputs_before(Message(old), outputs, Message(new), SETS) == new


@pytest.mark.parametrize(
    ("old", "outputs", "new"),
    [
        ({"tags": ["a", "b"]}, {}, {"tags": ["b", "c"]}),
        ({"tags": ["a", "a"]}, {}, {"tags": ["a", "b"]}),
        ({"tags": [["a", "b"]]}, {}, {"tags": [["b", "a"]]}),
        ({"schedules": ["a", "b"]}, {}, {"schedules": ["b", "a"]}),
        (
            {"modules": [{"file": "a"}, {"file": "b"}]},
            {"modules": [{"file": "b", "sha": "y"}, {"file": "a", "sha": "x"}]},
            {"modules": [{"file": "b", "sha": "x"}, {"file": "a", "sha": "y"}]},
        ),
        ({"a": 1, "force": True, "__defaults": []}, {}, {"a": 1}),
        ({"a": 1, "force": True, "__defaults": ["force"]}, {}, {"a": 1, "force": False}),
        (
            {"modules": [{"file": "f"}]},
            {"modules": [{"file": "f", "sha": "x"}]},
            {"modules": [{"file": "f", "sha": "y"}]},
        ),
        ({"modules": [{"file": "f"}]}, {"modules": "none"}, {"modules": [{"file": "f", "sha": "y"}]}),
        ({"modules": [{"file": "f"}]}, {"modules": []}, {"modules": [{"file": "f", "sha": "y"}]}),
        ({"rate": "0.1"}, {}, {"rate": 0.2}),
        ({"rate": "often"}, {}, {"rate": 1}),
        ({"on": "1"}, {}, {"on": True}),
        ({"l": [1]}, {}, {"l": [1, 2]}),
    ],
)
def test_what_a_person_changed_is_one(old: dict[str, Any], outputs: dict[str, Any], new: dict[str, Any]) -> None:
    assert inputs_before(Message(old), outputs, Message(new), SETS) != new


def test_what_changed_in_a_set_is_what_is_left_when_the_same_is_put_together() -> None:
    old, new = Message({"tags": ["a", "b", "c"]}), Message({"tags": ["c", "new", "a"]})
    assert inputs_before(old, {}, new, SETS) == {"tags": ["c", "b", "a"]}


def test_what_only_the_plugin_called_a_secret_cannot_be_told_from_what_the_program_says() -> None:
    old = Message(bindings(PLACEHOLDER), frozenset({TEXT}))
    assert inputs_before(old, {}, Message(bindings("staging"))) == bindings("staging")


@pytest.mark.parametrize(
    ("marked", "secrets"), [(frozenset({TEXT}), {TEXT}), (frozenset({TEXT}), {("bindings",)}), (frozenset(), set())]
)
def test_a_secret_that_is_another_one_now_is_a_change(marked: frozenset[Steps], secrets: set[Steps]) -> None:
    new = Message(bindings("another"), frozenset(secrets))
    assert inputs_before(Message(bindings(PLACEHOLDER), marked), {}, new) == bindings(PLACEHOLDER)


def test_a_secret_that_is_none_of_a_twin_is_compared() -> None:
    old = Message(bindings("production"), frozenset({TEXT}))
    assert inputs_before(old, {}, Message(bindings("staging"))) == bindings("production")
