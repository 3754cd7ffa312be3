"""A Worker that goes on with another store under the same binding: after a restore, or after a revert of one."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import UNGUARDED, UNKNOWN, Preview

BINDINGS: list[dict[str, Any]] = [
    {"type": "d1", "name": "DB", "databaseId": "old-database"},
    {"type": "kv_namespace", "name": "CACHE", "namespaceId": "old-namespace"},
    {"type": "r2_bucket", "name": "FILES", "bucketName": "old-bucket"},
    {"type": "plain_text", "name": "STAGE", "text": "staging"},
]


def version(*bindings: dict[str, Any]) -> dict[str, Any]:
    return {"workerId": "booking-id", "bindings": list(bindings)}


def becoming(*bindings: dict[str, Any]) -> Preview:
    preview = Preview().same(t.WORKER, "booking", {"name": "booking"}, id_="booking-id")
    was, becomes = version(*BINDINGS), version(*bindings)
    return preview.replace(t.WORKER_VERSION, was, becomes, "version", keys=["bindings"], **UNGUARDED)


def with_(place: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**each, **changes} if each is BINDINGS[place] else each for each in BINDINGS]


@pytest.mark.parametrize(
    ("place", "changes"),
    [(0, {"databaseId": "other"}), (1, {"namespaceId": "other"}), (2, {"bucketName": "other"})],
)
def test_another_store_under_the_same_binding_is_told(place: int, changes: dict[str, Any]) -> None:
    [loss] = becoming(*with_(place, **changes)).losses
    assert loss.kind == "store-switched"
    assert BINDINGS[place]["name"] in loss.lost
    assert "old-" in loss.lost


def test_a_store_of_another_kind_is_another_store() -> None:
    assert becoming(*with_(1, type="d1", databaseId="old-namespace")).kinds == ["store-switched"]


def test_a_database_by_its_legacy_spelling_is_the_same_database() -> None:
    legacy = {"type": "d1", "name": "DB", "id": "old-database"}
    assert becoming(legacy, *BINDINGS[1:]).kinds == []


def test_the_provider_may_still_have_to_learn_an_id() -> None:
    both = {"type": "d1", "name": "DB", "id": "old-database", "databaseId": UNKNOWN}
    assert becoming(both, *BINDINGS[1:]).kinds == []


def test_what_is_no_longer_bound_or_new_is_no_switch() -> None:
    more = {"type": "d1", "name": "SECOND", "databaseId": "another"}
    assert becoming(*BINDINGS[1:], more).kinds == []


def test_a_first_upload_switches_nothing() -> None:
    worker = Preview().create(t.WORKER, "booking", {"name": "booking"})
    assert worker.create(t.WORKER_VERSION, "version", version(*BINDINGS)).kinds == []
