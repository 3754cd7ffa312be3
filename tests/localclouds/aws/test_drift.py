"""The same thing said differently is no drift; a different thing is."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.aws.drift import reconcile, same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": False, "c": []}, {"a": 1}),
        (["b", "a"], ["a", "b"]),
        ([{"n": 2}, {"n": 1}], [{"n": 1}, {"n": 2}]),
        ('{"Action":["b","a"]}', '{ "Action": ["a", "b"] }'),
        (80, 80.0),
        ("", None),
    ],
)
def test_wording_is_no_drift(one: Any, other: Any) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 1, "b": True}),
        (["a"], ["a", "a"]),
        ('{"Effect":"Allow"}', '{"Effect":"Deny"}'),
        ("{not json", "{other"),
        (7, 8),
        (True, False),
    ],
)
def test_a_different_meaning_is_drift(one: Any, other: Any) -> None:
    assert not same(one, other)


def _reconcile(declared: dict[str, Any], truth: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return reconcile(declared, truth, defaults={"days": 30, "note": ""}, forgotten={"kept"})


def test_a_declared_input_keeps_its_wording() -> None:
    inputs, outputs = _reconcile({"names": ["b", "a"]}, {"names": ["a", "b"], "arn": "x"})
    assert inputs == {"names": ["b", "a"]}
    assert outputs == {"names": ["b", "a"], "arn": "x"}


def test_an_undeclared_input_appears_only_when_it_left_its_default() -> None:
    assert _reconcile({}, {"days": 30, "note": "", "own": "x"})[0] == {}
    assert _reconcile({}, {"days": 31, "note": "hand", "own": "x"})[0] == {"days": 31, "note": "hand"}


def test_what_was_taken_away_disappears_from_the_inputs() -> None:
    assert _reconcile({"rule": {"days": 7}}, {"rule": None}) == ({}, {})


def test_what_moto_forgets_is_no_drift_but_the_rest_around_it_is() -> None:
    declared = {"rules": [{"kept": 2, "days": 7}]}
    assert _reconcile(declared, {"rules": [{"days": 7}]})[0] == declared
    assert _reconcile(declared, {"rules": [{"days": 8}]})[0] == {"rules": [{"days": 8}]}
