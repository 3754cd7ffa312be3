"""Workers: Durable Objects go with their Worker or their class, and an upload alone does not show it."""

from __future__ import annotations

from typing import Any

import pytest

from policies import tokens as t
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
