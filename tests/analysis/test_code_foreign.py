"""Whatever is written for a stage and names another one is found, wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.analysis.code.foreign import Marks, foreign_names, marks_of
from bulkhead.model.naming import Label, stage_of
from tests.support.settings_fixture import make_settings


def marks(environment: str, changes: dict[str, Any] | None = None) -> Marks:
    settings = make_settings(environment, changes)
    return marks_of(Label("shop", settings.stage, environment), settings)


STAGING, PRODUCTION, DEVELOPMENT, PULL = (marks(name) for name in ("staging", "production", "development", "pr-42"))
FILE = "web/wrangler.jsonc"


def found(document: Any, own: Marks = STAGING, *others: Marks) -> list[str]:
    faults = foreign_names({FILE: document}, own, others or (PRODUCTION, DEVELOPMENT, PULL))
    assert all(fault.file == FILE and fault.fix for fault in faults)
    return [fault.key for fault in faults]


LEAKS = {
    "hostname": "harbor.example",
    "hostname of a Worker": "api.harbor.example",
    "hostname in a URL": "https://development.harbor.example/path",
    "hostname in upper case": "HARBOR.example",
    "account": "3" * 32,
    "zone": "3f" * 16,
    "AWS account": "arn:aws:iam::333333333333:role/x",
    "physical name": "shop-production-d1-main",
    "physical name of a pull request": "shop-pr-42-kv-cache",
    "physical name within a text": "see shop-production-r2-files, please",
    "stage": "production",
    "environment": "pr-42",
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_another_stages_mark_is_found_wherever_it_stands(leak: str) -> None:
    assert found({"vars": {"X": leak}}) == ["vars.X"]
    assert found({"list": ["fine", {"deep": leak}]}) == ["list[1].deep"]
    assert found({"vars": {leak: 1}}) == [f"vars.{leak}"]


@pytest.mark.parametrize(
    "hidden",
    [
        333333333333,
        "https://u:p@harbor.example/api",
        "https://elsewhere.example/?u=https%3A%2F%2Fharbor.example",
        "aHR0cHM6Ly9oYXJib3IuZXhhbXBsZQ==",
    ],
)
def test_a_mark_is_found_in_numbers_and_in_what_is_encoded(hidden: object) -> None:
    assert set(found({"vars": {"X": hidden}})) == {"vars.X"}


OWN = [
    "platform@harbor.example",
    "mailto:platform@harbor.example",
    "staging.harbor.example",
    "https://api.staging.harbor.example/",
    "2" * 32,
    "shop-staging-d1-main",
    "staging",
    "myshop-production-is-no-name-of-ours",
    "in production we trust",
    "0.5.1",
    "elsewhere.example",
    "Asia/Tokyo",
    "",
]


@pytest.mark.parametrize("text", OWN)
def test_what_is_the_stages_own_or_nobodys_is_no_leak(text: str) -> None:
    assert found({"vars": {"X": text, "Y": 7, "Z": None}}) == []


def test_a_hostname_belongs_to_the_stage_whose_own_it_lies_below() -> None:
    assert found({"X": "staging.harbor.example"}, PRODUCTION, STAGING) == ["X"]
    assert found({"X": "api.harbor.example"}, PRODUCTION, STAGING) == []


def test_an_account_that_stages_share_gives_neither_away() -> None:
    shared = marks("production", {"cloudflare": {"accountId": "2" * 32}})
    assert found({"account_id": "2" * 32}, STAGING, shared) == []


def test_a_pull_requests_stack_is_a_development_stage() -> None:
    assert stage_of("pr-42") == "development"
    assert found({"STAGE": "development", "ENVIRONMENT": "pr-42"}, PULL, STAGING, DEVELOPMENT) == []
    assert found({"ENVIRONMENT": "staging"}, PULL, STAGING, DEVELOPMENT) == ["ENVIRONMENT"]


def test_every_leak_is_said_at_once() -> None:
    everything = dict(zip("abcdefghijkl", LEAKS.values(), strict=True))
    assert found(everything) == list(everything)
