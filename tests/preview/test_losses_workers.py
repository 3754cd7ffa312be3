"""Workers: Durable Objects go with their Worker or their class, and an upload alone does not show it."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import SECRET, UNGUARDED, UNKNOWN, Preview

WORKER = {"name": "harbor-production-worker-booking", "logpush": False}
ALIVE = {"type": "durable-object", "storage": "sqlite"}
BINDING = {"type": "durable_object_namespace", "name": "ROOMS", "className": "Room"}
UPLOAD: dict[str, Any] = {"workerId": "worker-id", "mainModule": "index.js", "bindings": [], "exports": {"Room": ALIVE}}


def with_upload(preview: Preview, inputs: Any = UPLOAD) -> Preview:
    return preview.same(t.WORKER_VERSION, "booking-version", inputs, **UNGUARDED)


def uploading(was: Any, becomes: Any, **more: Any) -> Preview:
    base = {key: value for key, value in UPLOAD.items() if key != "exports"}
    return Preview().replace(t.WORKER_VERSION, {**base, **was}, {**base, **becomes}, "version", **UNGUARDED, **more)


def exports(**classes: Any) -> dict[str, Any]:
    return {"exports": classes}


def ending(state: str, **more: str) -> dict[str, str]:
    return {"type": "durable-object", "state": state, **more}


@pytest.mark.parametrize(
    "upload",
    [
        UPLOAD,
        {"workerId": WORKER["name"], "exports": {"Room": ALIVE}},
        {"workerId": "worker-id", "bindings": [BINDING]},
        {"workerId": "worker-id", "migrations": {"newSqliteClasses": ["Room"]}},
        {"workerId": "worker-id", "migrations": {"steps": [{"newClasses": ["Room"]}]}},
        {"workerId": "worker-id", "exports": SECRET},
    ],
)
@pytest.mark.parametrize("op", ["delete", "replace", "rename", "gone"])
def test_a_worker_does_not_go_while_it_owns_objects(upload: Any, op: str) -> None:
    preview = with_upload(Preview(), upload)
    about: dict[str, Any] = {"name": "booking", "id_": "worker-id", **UNGUARDED}
    if op == "delete":
        preview.delete(t.WORKER, inputs=WORKER, **about)
    elif op == "replace":
        preview.replace(t.WORKER, WORKER, {**WORKER, "accountId": "b"}, keys=["accountId"], **about)
    elif op == "rename":
        preview.update(t.WORKER, WORKER, {**WORKER, "name": "other"}, **about)
    else:
        preview.step("refresh", t.WORKER, was=WORKER, becomes=WORKER, **about).create(t.WORKER, "booking", WORKER)
    [loss] = preview.losses
    assert loss.kind == ("worker-renamed" if op == "rename" else "worker-deleted")
    assert "Room" in loss.lost or "secret or not known" in loss.lost


def test_a_name_that_is_not_known_yet_may_be_another() -> None:
    preview = with_upload(Preview()).update(t.WORKER, WORKER, {**WORKER, "name": UNKNOWN}, "booking", id_="worker-id")
    assert preview.kinds == ["worker-renamed"]


@pytest.mark.parametrize(
    "upload",
    [
        {**UPLOAD, "workerId": "another"},
        {**UPLOAD, "exports": {"Room": ending("deleted")}},
        {**UPLOAD, "exports": {"default": {"type": "worker"}}},
        {"workerId": "worker-id", "bindings": [{**BINDING, "scriptName": "another"}]},
    ],
)
def test_a_worker_without_objects_may_go(upload: Any) -> None:
    preview = with_upload(Preview(), upload).delete(t.WORKER, "booking", WORKER, id_="worker-id")
    assert preview.kinds == []


def test_a_worker_that_owns_objects_may_change_otherwise() -> None:
    preview = with_upload(Preview()).update(t.WORKER, WORKER, {**WORKER, "logpush": True}, "booking", id_="worker-id")
    assert preview.kinds == []


def test_a_retained_worker_is_left_where_it_is() -> None:
    preview = with_upload(Preview()).delete(t.WORKER, "booking", WORKER, id_="worker-id", retain=(True, False))
    assert preview.kinds == []


@pytest.mark.parametrize("type_", [t.WORKERS_SCRIPT, t.WORKER_SCRIPT])
def test_of_a_script_the_code_says_itself_what_it_owns(type_: str) -> None:
    script = {"scriptName": "booking", "migrations": {"newSqliteClasses": ["Room"]}}
    preview = Preview().replace(type_, script, {**script, "scriptName": "b"}, keys=["scriptName"], **UNGUARDED)
    assert preview.kinds == ["worker-deleted"]
    assert Preview().delete(type_, "script", {"scriptName": "plain"}).kinds == []


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        (exports(Room=ALIVE), exports(Room=ending("deleted")), ["class-deleted"]),
        (exports(Room=ALIVE), exports(Room=ending("renamed", renamedTo="Hall"), Hall=ALIVE), ["class-renamed"]),
        (exports(Room=ALIVE), exports(Room=ending("transferred", transferredTo="x")), ["class-transferred"]),
        (exports(Room=ALIVE), exports(Hall=ALIVE), ["class-dropped"]),
        (exports(Room=ALIVE), {}, ["class-dropped"]),
        (exports(Room=ALIVE), {"exports": UNKNOWN}, ["class-dropped"]),
        (exports(Room=ALIVE), exports(Room=UNKNOWN), ["class-dropped"]),
        (exports(Room=ALIVE), exports(Room={**ALIVE, "state": UNKNOWN}), ["class-dropped"]),
        ({"exports": SECRET}, exports(Room=ALIVE), ["class-dropped"]),
        ({"bindings": [BINDING]}, exports(Hall=ALIVE), ["class-dropped"]),
        (
            exports(Room=ALIVE, Hall=ALIVE),
            exports(Room=ending("deleted"), Hall=ending("deleted")),
            ["class-deleted"] * 2,
        ),
        ({}, exports(Room=ending("deleted")), ["class-deleted"]),
        ({}, {"migrations": {"deletedClasses": ["Room"]}}, ["class-deleted"]),
        ({}, {"migrations": {"renamedClasses": [{"from": "Room", "to": "Hall"}]}}, ["class-renamed"]),
        (
            {},
            {"migrations": {"transferredClasses": [{"from": "Room", "fromScript": "x", "to": "R"}]}},
            ["class-transferred"],
        ),
        ({}, {"migrations": {"steps": [{"newClasses": ["A"]}, {"deletedClasses": ["A"]}]}}, ["class-deleted"]),
        (exports(Room=ALIVE), {"migrations": UNKNOWN}, ["class-dropped"]),
    ],
)
def test_a_class_that_ends_is_found_in_the_new_upload(was: Any, becomes: Any, kinds: list[str]) -> None:
    assert uploading(was, becomes).kinds == kinds


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (exports(Room=ALIVE), exports(Room=ALIVE)),
        (exports(Room=ALIVE), exports(Room=ALIVE, Hall=ALIVE)),
        (exports(Room=ALIVE), exports(Room={**ALIVE, "state": "created"})),
        (exports(Room=ending("deleted")), exports(Room=ending("deleted"))),
        (exports(Room=ending("deleted")), {}),
        (exports(default={"type": "worker"}), {}),
        ({"bindings": [BINDING]}, {**exports(Room=ALIVE), "bindings": [BINDING]}),
        ({"migrations": {"newSqliteClasses": ["Room"]}}, {}),
        ({"migrations": {"deletedClasses": ["Room"]}}, {"migrations": {"deletedClasses": ["Room"]}}),
        ({"migrations": {"newSqliteClasses": ["Room"]}}, exports(Room=ALIVE)),
        ({"bindings": [{**BINDING, "scriptName": "other"}]}, exports(Hall=ALIVE)),
    ],
)
def test_an_upload_with_the_same_classes_loses_nothing(was: Any, becomes: Any) -> None:
    assert uploading(was, becomes).kinds == []


def test_secrets_among_the_bindings_do_not_hide_the_classes() -> None:
    bindings = [{"type": "secret_text", "name": "KEY", "text": SECRET}]
    was, becomes = (
        {**exports(Room=ALIVE), "bindings": bindings},
        {**exports(Room=ending("deleted")), "bindings": SECRET},
    )
    assert uploading(was, becomes).kinds == ["class-deleted"]


def test_exports_that_stay_secret_and_do_not_differ_lose_nothing() -> None:
    assert uploading({"exports": SECRET}, {"exports": SECRET, "mainModule": "other.js"}).kinds == []


def test_a_first_upload_of_a_new_worker_may_speak_of_retired_classes() -> None:
    upload = {"workerId": UNKNOWN, **exports(Old=ending("deleted"))}
    assert Preview().create(t.WORKER_VERSION, "version", upload).kinds == []
    assert Preview().create(t.WORKER_VERSION, "version", {**upload, "workerId": "known"}).kinds == ["class-deleted"]


@pytest.mark.parametrize("op", ["create", "update"])
def test_only_a_new_worker_makes_a_first_upload(op: str) -> None:
    preview = Preview().create(t.R2_BUCKET, "files", {"name": "files"})
    preview.step(op, t.WORKER, "booking", WORKER if op == "update" else None, WORKER, id_="worker-id")
    preview.delete(t.WORKER_VERSION, "old-version", UPLOAD)
    preview.create(t.WORKER_VERSION, "version", {**UPLOAD, "workerId": UNKNOWN, **exports(Room=ending("deleted"))})
    assert preview.kinds == ([] if op == "create" else ["class-deleted"])


TRANSFER = {"transferredClasses": [{"from": "Room", "fromScript": "x", "to": "Room"}]}


@pytest.mark.parametrize(
    ("becomes", "kinds"),
    [
        ({"steps": [{"deletedClasses": ["Room"]}, {"newSqliteClasses": ["Room"]}]}, ["class-deleted"]),
        ({"deletedClasses": ["Room"], "newSqliteClasses": ["Room"]}, ["class-deleted"]),
        ({"steps": [{"renamedClasses": [{"from": "Room", "to": "Old"}]}, {"newClasses": ["Room"]}]}, ["class-renamed"]),
        ({"transferredClasses": [{"from": "Room", "to": "Hall"}]}, ["class-transferred"]),
        ({"deletedClasses": [UNKNOWN]}, ["class-dropped"]),
        ({"newTag": "v1", "newSqliteClasses": ["Room"]}, []),
    ],
)
@pytest.mark.parametrize("type_", [t.WORKER_VERSION, t.WORKERS_SCRIPT])
def test_a_class_that_is_ended_and_made_again_is_ended(type_: str, becomes: Any, kinds: list[str]) -> None:
    base = {"workerId": "worker-id", "scriptName": "booking"}
    was = {**base, "migrations": {"newTag": "v1", "newSqliteClasses": ["Room"]}}
    assert Preview().update(type_, was, {**base, "migrations": becomes}).kinds == kinds


def test_the_same_migration_under_other_tags_is_another_one() -> None:
    was, becomes = ({"migrations": {"newTag": tag, "deletedClasses": ["Room"]}} for tag in ("v2", "v4"))
    assert uploading(was, becomes).kinds == ["class-deleted"]
    assert uploading(was, was).kinds == []


def test_a_class_that_is_taken_from_another_worker_is_lost_to_that_one() -> None:
    [loss] = uploading({}, {"migrations": TRANSFER}).losses
    assert loss.kind == "class-transferred"
    assert "taken from the Worker x" in loss.lost


@pytest.mark.parametrize(
    "uploads",
    [
        [{"workerId": "worker-id", "bindings": [{**BINDING, "scriptName": WORKER["name"]}]}],
        [{"workerId": "worker-id", "bindings": [{**BINDING, "scriptName": SECRET}]}],
        [{"workerId": "worker-id", "bindings": [BINDING], "migrations": TRANSFER}],
        [{"workerId": "worker-id"}, {"workerId": "other", "bindings": [{**BINDING, "scriptName": WORKER["name"]}]}],
        [{"workerId": SECRET, "exports": {"Room": ALIVE}}],
    ],
)
def test_whose_class_it_is_may_be_said_in_other_ways(uploads: Any) -> None:
    preview = Preview()
    for number, upload in enumerate(uploads):
        preview.same(t.WORKER_VERSION, f"version-{number}", upload, **UNGUARDED)
    [loss] = preview.delete(t.WORKER, "booking", WORKER, id_="worker-id").losses
    assert (loss.kind, "Room" in loss.lost) == ("worker-deleted", True)


def test_a_name_that_stays_secret_may_be_another_if_the_engine_says_so() -> None:
    about: dict[str, Any] = {"name": "booking", "id_": "worker-id"}
    named = {"name": SECRET}
    assert with_upload(Preview()).update(t.WORKER, named, named, paths=["name"], **about).kinds == ["worker-renamed"]
    assert with_upload(Preview()).update(t.WORKER, named, named, paths=["logpush"], **about).kinds == []


@pytest.mark.parametrize(("hall", "kinds"), [("Hall", ["class-dropped"]), ("Room", [])])
def test_a_version_under_another_logical_name_follows_the_one_that_goes(hall: str, kinds: list[str]) -> None:
    preview = Preview().delete(t.WORKER_VERSION, "v1", UPLOAD)
    assert preview.create(t.WORKER_VERSION, "v2", {**UPLOAD, "exports": {hall: ALIVE}}).kinds == kinds
