"""What a job is told is read whole, or refused with every fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.config import Misconfigured, Store, parsed

TOLD: dict[str, Any] = {
    "task": "backup",
    "product": "harbor",
    "stage": "staging",
    "environment": "staging",
    "timezone": "Asia/Tokyo",
    "account": "0" * 32,
    "vault": "harbor-staging-vault",
    "vault_key": "arn:aws:kms:ap-northeast-1:111111111111:key/1",
    "state": "harbor-staging-state",
    "token_parameter": "/harbor/staging/token",
    "lives": {"daily": 7, "yearly": 1827},
    "locks": {},
    "databases": {"main": {"id": "a-b", "name": "harbor-staging-d1-main"}},
}


def test_everything_that_is_said_is_read() -> None:
    config = parsed(json.dumps({**TOLD, "buckets": {"uploads": {"name": "harbor-staging-r2-uploads"}}}))
    assert config.databases == {"main": Store("harbor-staging-d1-main", "a-b")}
    assert config.buckets["uploads"].name == "harbor-staging-r2-uploads"
    assert config.lives == {"daily": 7, "yearly": 1827}
    assert config.zone.key == "Asia/Tokyo"
    assert config.cloudflare.startswith("https://")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"task": ""}, "task: is no text"),
        ({"vault": None}, "vault: is no text"),
        ({"timezone": "Asia/Edo"}, "timezone: no time zone"),
        ({"timezone": "../etc/passwd"}, "timezone: no time zone"),
        ({"tokn": "x"}, "tokn: is not known"),
        ({"lives": {"hourly": 7}}, "lives.hourly: is no tier"),
        ({"locks": {"daily": True}}, "locks.daily: is no number of days"),
        ({"locks": None}, "locks: is missing"),
        ({"databases": {"main": {"name": "x"}}}, "databases.main.id: is no text"),
        ({"databases": {"main": {"name": "x", "id": "y", "size": 1}}}, "databases.main.size: is not known"),
        ({"databases": []}, "databases: is no object"),
        ({"namespaces": {"cache": "x"}}, "namespaces.cache: is no object"),
    ],
)
def test_a_fault_is_named_by_its_key(broken: dict[str, Any], said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        parsed(json.dumps({**TOLD, **broken}))


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(Misconfigured) as refused:
        parsed(json.dumps({"task": "backup"}))
    for key in ("product", "vault", "token_parameter", "lives", "locks"):
        assert f"{key}: is missing" in str(refused.value)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"x"'])
def test_what_is_no_object_is_refused(text: str | None) -> None:
    with pytest.raises(Misconfigured, match="BULKHEAD_JOB"):
        parsed(text)
