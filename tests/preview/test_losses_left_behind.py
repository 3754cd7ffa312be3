"""Durable Objects stay with the Worker that they were made in: an upload to another Worker finds none of them."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import UNGUARDED, UNKNOWN, Preview

WORKER = {"name": "booking"}
ALIVE = {"type": "durable-object", "storage": "sqlite"}
UPLOAD: dict[str, Any] = {"workerId": "old-id", "exports": {"Room": ALIVE}}
LEFT = ["class-left-behind"]


def to(worker: Any, **more: Any) -> dict[str, Any]:
    return {**UPLOAD, "workerId": worker, **more}


def standing(**more: Any) -> Preview:
    return Preview().same(t.WORKER, "booking", WORKER, id_="old-id", **more)


def uploading(preview: Preview, becomes: Any, was: Any = UPLOAD) -> Preview:
    return preview.replace(t.WORKER_VERSION, was, becomes, "version", keys=["workerId"], **UNGUARDED)


def test_an_upload_does_not_go_to_another_worker() -> None:
    other = standing().same(t.WORKER, "other", {"name": "other"}, id_="other-id")
    [loss] = uploading(other, to("other-id")).losses
    assert loss.kind == "class-left-behind"
    assert "Room" in loss.lost


def test_an_upload_does_not_go_to_a_worker_that_is_made_beside_the_old_one() -> None:
    assert uploading(standing().create(t.WORKER, "new", {"name": "new"}), to(UNKNOWN)).kinds == LEFT


def test_an_upload_does_not_go_to_a_new_worker_while_the_old_one_is_forgotten() -> None:
    preview = Preview().delete(t.WORKER, "booking", WORKER, id_="old-id", retain=(True, False))
    assert uploading(preview.create(t.WORKER, "new", {"name": "new"}), to(UNKNOWN)).kinds == LEFT


def test_with_a_worker_that_is_deleted_or_replaced_its_classes_are_told_once() -> None:
    gone = Preview().delete(t.WORKER, "booking", WORKER, id_="old-id").create(t.WORKER, "new", {"name": "new"})
    assert uploading(gone, to(UNKNOWN)).kinds == ["worker-deleted"]
    replaced = Preview().replace(t.WORKER, WORKER, {"name": "n"}, "booking", keys=["accountId"], id_="old-id")
    assert uploading(replaced, to(UNKNOWN)).kinds == ["worker-deleted"]


@pytest.mark.parametrize("second", ["new-id", UNKNOWN])
def test_another_upload_does_not_take_the_class_to_another_worker(second: str) -> None:
    preview = standing().create(t.WORKER, "new", {"name": "new"}).delete(t.WORKER_VERSION, "v1", UPLOAD)
    assert preview.create(t.WORKER_VERSION, "v2", to(second)).kinds == LEFT


def test_an_upload_that_goes_leaves_its_classes_where_they_are_used() -> None:
    """The version stays uploaded and deployed: its provider deletes nothing."""
    assert standing().delete(t.WORKER_VERSION, "v1", UPLOAD).kinds == []
    other = standing().delete(t.WORKER_VERSION, "v1", UPLOAD).create(t.WORKER, "new", {"name": "new"})
    assert other.create(t.WORKER_VERSION, "v2", to(UNKNOWN, exports={"Hall": ALIVE})).kinds == []


def test_a_second_worker_may_have_a_class_of_the_same_name() -> None:
    preview = standing().same(t.WORKER_VERSION, "v1", UPLOAD).create(t.WORKER, "new", {"name": "new"})
    assert preview.create(t.WORKER_VERSION, "v2", to(UNKNOWN)).kinds == []


@pytest.mark.parametrize(
    "moved",
    [
        {"exports": {"Room": {**ALIVE, "state": "expecting-transfer"}}},
        {"exports": {}, "migrations": {"transferredClasses": [{"from": "Room", "fromScript": "booking", "to": "R"}]}},
    ],
)
def test_a_class_that_is_transferred_is_told_of_the_worker_that_gives_it(moved: Any) -> None:
    preview = standing().create(t.WORKER, "new", {"name": "new"})
    preview.replace(
        t.WORKER_VERSION, UPLOAD, {**UPLOAD, "exports": {"Room": {"type": "durable-object", "state": "transferred"}}}
    )
    preview.create(t.WORKER_VERSION, "v2", to(UNKNOWN, **moved))
    assert set(preview.kinds) == {"class-transferred"}


@pytest.mark.parametrize("bindings", [[], [{"type": "r2_bucket", "bucketName": UNKNOWN}]])
@pytest.mark.parametrize("worker", ["old-id", UNKNOWN])
def test_a_second_upload_of_a_worker_that_stands_follows_the_first(worker: str, bindings: list[Any]) -> None:
    preview = standing().create(t.R2_BUCKET, "files", {"name": "files"}).same(t.WORKER_VERSION, "v1", UPLOAD)
    with_hall = to(worker, exports={"Hall": ALIVE}, bindings=bindings)
    assert preview.create(t.WORKER_VERSION, "v2", with_hall).kinds == ["class-dropped"]


@pytest.mark.parametrize("gone", [True, False])
def test_a_second_upload_with_a_new_bucket_ends_no_class(gone: bool) -> None:
    preview = standing().create(t.R2_BUCKET, "files", {"name": "files"})
    if gone:
        preview.delete(t.WORKER_VERSION, "v1", UPLOAD)
    else:
        preview.same(t.WORKER_VERSION, "v1", UPLOAD)
    ending = {"Room": {"type": "durable-object", "state": "deleted"}}
    assert preview.create(t.WORKER_VERSION, "v2", to(UNKNOWN, exports=ending)).kinds == ["class-deleted"]


SCRIPT = {"scriptName": "booking", "migrations": {"newSqliteClasses": ["Room"]}}


@pytest.mark.parametrize("type_", [t.WORKERS_SCRIPT, t.WORKER_SCRIPT])
def test_a_script_with_another_name_leaves_its_classes_behind(type_: str) -> None:
    other = {**SCRIPT, "scriptName": "other"}
    assert Preview().update(type_, SCRIPT, other).kinds == ["worker-renamed"]
    forgotten = Preview().delete(type_, "script", SCRIPT, retain=(True, False))
    assert forgotten.create(type_, "other", other).kinds == LEFT
    assert Preview().replace(type_, SCRIPT, other, keys=["scriptName"]).kinds == ["worker-deleted"]


@pytest.mark.parametrize("state", ["archived", "", 7, ["deleted"], {"a": "b"}, True])
def test_a_state_that_nobody_knows_may_end_the_class(state: Any) -> None:
    exports = {"exports": {"Room": {**ALIVE, "state": state}}}
    was = {"workerId": "old-id", "exports": {"Room": ALIVE}}
    preview = Preview().replace(t.WORKER_VERSION, was, {**was, **exports}, "version", **UNGUARDED)
    assert preview.kinds == ["class-dropped"]
    stays = {**was, **exports}
    assert Preview().replace(t.WORKER_VERSION, stays, {**stays, "mainModule": "b.js"}, **UNGUARDED).kinds == []
    assert standing().same(t.WORKER_VERSION, "v", stays).delete(t.WORKER, "b", WORKER, id_="old-id").kinds == [
        "worker-deleted"
    ]
