"""What stood before the whole stage does not go while there is something behind it."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import UNGUARDED, UNKNOWN, Preview

APP = t.ZERO_TRUST_ACCESS_APPLICATION
DOMAIN = {"hostname": "admin.harbor.example", "service": "web"}
LOGIN = {"accountId": "a", "type": "self_hosted", "domain": "admin.harbor.example"}
OPEN = ["guard-removed"]
DEFENCES: list[tuple[str, dict[str, Any]]] = [
    (t.RULESET, {"zoneId": "z", "phase": "http_request_firewall_custom", "kind": "zone", "name": "n"}),
    (t.LOGPUSH_JOB, {"zoneId": "z", "dataset": "http_requests"}),
]


def served() -> Preview:
    return Preview().same(t.WORKERS_CUSTOM_DOMAIN, "admin", DOMAIN)


@pytest.mark.parametrize(
    "login",
    [
        LOGIN,
        {"domain": "https://admin.harbor.example/"},
        {"selfHostedDomains": ["admin.harbor.example/panel"]},
        {"destinations": [{"type": "public", "uri": "admin.harbor.example"}]},
    ],
)
def test_an_address_that_goes_on_answering_keeps_its_login(login: Any) -> None:
    assert served().delete(APP, "login", login).kinds == OPEN
    assert served().delete(APP, "login", login, retain=(True, False)).kinds == []
    assert served().update(APP, login, {"domain": "other.harbor.example"}, **UNGUARDED).kinds == OPEN
    assert served().update(APP, login, {"domain": UNKNOWN}, **UNGUARDED).kinds == OPEN
    assert served().update(APP, login, {**login, "sessionDuration": "1h"}, **UNGUARDED).kinds == []


@pytest.mark.parametrize("wide", ["admin.harbor.example", "*.harbor.example"])
def test_another_login_may_take_its_place(wide: str) -> None:
    for op in ("create", "same"):
        other = {"name": "all", "domain": wide}
        preview = served().step(op, APP, "other", None if op == "create" else other, other)
        assert preview.delete(APP, "login", {**LOGIN, "domain": "admin.harbor.example/panel"}).kinds == []


def test_a_login_may_go_with_its_address() -> None:
    gone = Preview().delete(t.WORKERS_CUSTOM_DOMAIN, "admin", DOMAIN)
    assert gone.delete(APP, "login", LOGIN).kinds == []
    assert Preview().delete(APP, "login", {"type": "saas", "name": "n"}).kinds == []


@pytest.mark.parametrize(("type_", "inputs"), DEFENCES)
def test_a_defence_or_a_record_does_not_go_without_another(type_: str, inputs: dict[str, Any]) -> None:
    assert Preview().delete(type_, "it", inputs).kinds == OPEN
    assert Preview().delete(type_, "it", inputs, retain=(True, False)).kinds == []
    assert Preview().create(type_, "new", {**inputs, "name": "m"}).delete(type_, "it", inputs).kinds == []


def test_rules_that_only_redirect_may_go() -> None:
    rules = {"zoneId": "z", "phase": "http_request_dynamic_redirect", "kind": "zone", "name": "n"}
    assert Preview().delete(t.RULESET, "it", rules).kinds == []


def test_a_keys_own_policy_does_not_go() -> None:
    assert Preview().delete(t.KMS_KEY_POLICY, "it", {"keyId": "k", "policy": "{}"}).kinds == OPEN


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ({"visibility": "private"}, {"visibility": "public"}),
        ({"visibility": "internal"}, {"visibility": "public"}),
        ({"visibility": "private"}, {"visibility": UNKNOWN}),
        ({"private": True}, {"private": False}),
    ],
)
def test_a_private_repository_is_not_shown_to_everybody(was: dict[str, Any], becomes: dict[str, Any]) -> None:
    assert Preview().update(t.GITHUB_REPOSITORY, was, becomes).kinds == ["made-public"]
    assert Preview().update(t.GITHUB_REPOSITORY, becomes, was).kinds == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ({"visibility": "public"}, {"visibility": "public", "hasIssues": True}),
        ({"visibility": "public"}, {"visibility": UNKNOWN}),
        ({"visibility": "private"}, {}),
        ({"visibility": "private"}, {"visibility": "internal"}),
    ],
)
def test_a_repository_stays_as_open_as_it_was(was: dict[str, Any], becomes: dict[str, Any]) -> None:
    assert Preview().update(t.GITHUB_REPOSITORY, was, becomes).kinds == []
