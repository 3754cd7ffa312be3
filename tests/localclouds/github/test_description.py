from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bulkhead.localclouds.github import describe
from bulkhead.localclouds.github.api.app import HANDLERS
from bulkhead.localclouds.github.api.description import Operation, operations, release
from bulkhead.localclouds.github.api.permissions import TABLE
from bulkhead.localclouds.github.describe import sliced


def operation(id_: str) -> Operation:
    return next(one for one in operations() if one.id == id_)


def found(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    for one in operations():
        at = one.match(path) if one.method == method else None
        if at is not None:
            return one.id, at
    return None


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "$ref" and isinstance(value, str))
        part = list(part.values())
    for each in part if isinstance(part, list) else ():
        yield from references(each)


def test_every_operation_that_is_described_is_served_and_no_other() -> None:
    assert sorted(HANDLERS) == sorted(one.id for one in operations())


def test_it_is_known_what_permission_every_operation_needs() -> None:
    assert [one.id for one in operations() if not TABLE.has(one.method.upper(), one.path)] == []


def test_what_is_kept_is_what_the_generator_would_write() -> None:
    kept = {one.path: set[str]() for one in operations()}
    for one in operations():
        kept[one.path].add(one.method)
    assert kept == {path: set(methods.split()) for path, methods in describe.PATHS.items()}
    assert release() == f"@octokit/openapi {describe.VERSION}"


@pytest.mark.parametrize(
    ("path", "id_", "at"),
    [
        ("/repos/a/b/releases/latest", "repos/get-latest-release", {"owner": "a", "repo": "b"}),
        ("/repos/a/b/releases/7", "repos/get-release", {"owner": "a", "repo": "b", "release_id": "7"}),
        (
            "/repos/a/b/environments/x%2Fy/secrets/public-key",
            "actions/get-environment-public-key",
            {"owner": "a", "repo": "b", "environment_name": "x/y"},
        ),
        ("/repos/a/b/git/ref/heads/x/y", "git/get-ref", {"owner": "a", "repo": "b", "ref": "heads/x/y"}),
        ("/repos/a/b/contents/", "repos/get-content", {"owner": "a", "repo": "b", "path": ""}),
        (
            "/repos/a/b/commits/x%2Fy/status",
            "repos/get-combined-status-for-ref",
            {"owner": "a", "repo": "b", "ref": "x/y"},
        ),
    ],
)
def test_a_path_is_one_operation_s(path: str, id_: str, at: dict[str, str]) -> None:
    assert found("get", path) == (id_, at)


def test_a_path_that_is_quoted_stays_one_part() -> None:
    assert found("get", "/repos/a/b/environments/x/y") is None
    assert found("patch", "/repos/a/b/environments/x") is None


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (None, [("name", "missing_field"), ("enforcement", "missing_field")]),
        ({"name": "main", "enforcement": "hard"}, [("enforcement", "invalid")]),
        ({"name": "main", "enforcement": "active", "rules": [{"type": "haste"}]}, [("rules.0", "invalid")]),
        ({"name": "main", "enforcement": "active", "rules": [{"type": "deletion"}]}, []),
    ],
)
def test_a_body_that_does_not_fit_is_told_by_field(body: Any, faults: list[tuple[str, str]]) -> None:
    seen = operation("repos/create-repo-ruleset").body_faults(body)
    assert [(fault.field, fault.code) for fault in seen] == faults


def test_a_fault_says_what_would_fit_and_not_what_was_given() -> None:
    (fault,) = operation("repos/create-deployment-status").body_faults({"state": "hush"})
    assert "success" in fault.message
    assert "hush" not in fault.message


def test_what_the_provider_sends_for_an_environment_is_taken() -> None:
    body = {"wait_timer": None, "reviewers": None, "can_admins_bypass": True, "deployment_branch_policy": None}
    assert operation("repos/create-or-update-environment").body_faults(body) == []
    (fault,) = operation("repos/create-or-update-environment").body_faults({"wait": 3})
    assert fault.code == "invalid"


@pytest.mark.parametrize(
    ("status", "body", "field"),
    [
        (200, {"name": "A", "value": "1", "created_at": "today", "updated_at": "2026-01-01T00:00:00Z"}, "created_at"),
        (200, {"name": "A"}, "value"),
        (201, None, ""),
        (404, {"message": 7}, "message"),
    ],
)
def test_an_answer_that_github_never_gives_is_seen(status: int, body: Any, field: str) -> None:
    faults = operation("actions/get-environment-variable").answer_faults(status, body)
    assert field in [fault.field for fault in faults]


def test_an_operation_without_an_answer_s_body_has_none() -> None:
    assert operation("repos/delete-an-environment").answer_faults(204, None) == []
    assert operation("repos/delete-an-environment").answer_faults(204, {}) != []


def test_a_slice_has_what_it_refers_to_and_nothing_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe, "PATHS", {describe._ENVIRONMENT: "put", "/user": "get"})
    settings = {"wait_timer": {"$ref": "#/components/schemas/timer"}, "description": {"type": "string"}}
    put = {
        "summary": "Put it",
        "x-github": {},
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": settings}}}},
    }
    whole = {
        "paths": {
            describe._ENVIRONMENT: {"put": put, "delete": {}},
            "/user": {"get": {"responses": {"200": {"$ref": "#/components/responses/user"}}}},
            "/meta": {"get": {"$ref": "#/components/schemas/unused"}},
        },
        "components": {
            "schemas": {
                "timer": {"type": "integer", "nullable": True, "enum": [1, 2], "description": "minutes"},
                "name": {"allOf": [{"$ref": "#/components/schemas/timer"}], "nullable": True},
                "unused": {"type": "string"},
            },
            "responses": {"user": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/name"}}}}},
        },
    }
    made = sliced(whole)
    assert set(made["paths"][describe._ENVIRONMENT]) == {"put"}
    assert set(made["components"]["schemas"]) == {"timer", "name"}
    assert made["components"]["schemas"]["timer"] == {"type": ["integer", "null"], "enum": [1, 2, None]}
    assert made["components"]["schemas"]["name"] == {
        "anyOf": [{"allOf": [{"$ref": "#/components/schemas/timer"}]}, {"type": "null"}]
    }
    told = json.dumps(made)
    assert "Put it" not in told
    assert "minutes" not in told
    kept = made["paths"][describe._ENVIRONMENT]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert "description" in kept["properties"]  # a property of this name is none for people


def test_every_reference_of_the_slice_leads_somewhere() -> None:
    parts = [one.described for one in operations()]
    assert {each.split("/")[1] for each in references(parts)} == {"components"}
    for one in operations():
        one.body_faults({})
        for status in one.described["responses"]:
            one.answer_faults(int(status), {})
