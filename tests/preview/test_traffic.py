"""A plan that sends requests to another version says so, and one that Cloudflare refuses is stopped."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bulkhead.model.naming import Stage
from bulkhead.preview.markdown import render
from bulkhead.preview.traffic import moves, refused
from bulkhead.preview.verdict import as_json, judge
from bulkhead.preview.waivers import Waivers
from bulkhead.resources import types as t
from tests.preview.made import UNGUARDED, UNKNOWN, Preview

WORKER = {"accountId": "a", "name": "inn-production-worker-desk"}
PLAIN = {"accountId": "a", "workerId": "w", "mainModule": "a.js"}
DEPLOYMENT = {"accountId": "a", "scriptName": WORKER["name"], "versions": [{"versionId": "v1", "percentage": 100}]}
NEXT = {**DEPLOYMENT, "versions": [{"versionId": UNKNOWN, "percentage": 100}]}


def exporting(*classes: str, gone: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    exports = {name: {"type": "durable-object", "storage": "sqlite"} for name in classes}
    ended = {name: {"type": "durable-object", "state": "deleted"} for name in gone}
    return {**PLAIN, "exports": {**exports, **ended}, **more}


ROOM = exporting("Room")


def standing() -> Preview:
    return Preview().same(t.WORKER, "desk", WORKER, id_="w")


def upload(was: dict[str, Any], becomes: dict[str, Any]) -> Preview:
    return standing().replace(t.WORKER_VERSION, was, becomes, "desk-version", **UNGUARDED)


def said(preview: Preview) -> list[str]:
    return list(moves(preview.plan))


def test_a_version_that_is_only_uploaded_is_called_so() -> None:
    preview = upload(PLAIN, {**PLAIN, "mainModule": "b.js"}).same(t.WORKERS_DEPLOYMENT, "desk-deployment", DEPLOYMENT)
    assert said(preview) == ["WorkerVersion desk-version: is uploaded, and nobody gets it by this up"]


def test_a_version_that_its_deployment_follows_reaches_everybody_at_once() -> None:
    preview = upload(PLAIN, {**PLAIN, "mainModule": "b.js"})
    preview.replace(t.WORKERS_DEPLOYMENT, DEPLOYMENT, NEXT, "desk-deployment", **UNGUARDED)
    assert said(preview) == ["WorkersDeployment desk-deployment: everybody gets its version at once"]


def test_a_first_deployment_reaches_everybody() -> None:
    preview = (
        Preview()
        .create(t.WORKER, "desk", WORKER)
        .create(t.WORKER_VERSION, "desk-version", {**PLAIN, "workerId": UNKNOWN})
    )
    preview.create(t.WORKERS_DEPLOYMENT, "desk-deployment", NEXT)
    assert said(preview)[-1] == "WorkersDeployment desk-deployment: everybody gets its first version"


def test_a_new_class_reaches_everybody_and_has_no_way_back() -> None:
    (sentence,) = said(upload(ROOM, exporting("Room", "Hall", deploy=True)))
    assert "everybody gets it at once" in sentence
    assert "no way back" in sentence


def test_new_code_that_is_deployed_by_its_upload_reaches_everybody() -> None:
    again = {**ROOM, "deploy": True}
    assert said(upload(again, {**again, "mainModule": "b.js"})) == [
        "WorkerVersion desk-version: everybody gets it at once"
    ]


def test_what_is_not_known_yet_is_called_so() -> None:
    (sentence,) = said(upload(ROOM, {**ROOM, "deploy": UNKNOWN}))
    assert "is not known yet" in sentence


def test_divided_requests_are_shown_with_their_shares() -> None:
    shares = [{"versionId": "v1", "percentage": 90}, {"versionId": "v2", "percentage": 10}]
    preview = standing().replace(t.WORKERS_DEPLOYMENT, DEPLOYMENT, {**DEPLOYMENT, "versions": shares}, "d", **UNGUARDED)
    assert said(preview) == ["WorkersDeployment d: the requests are divided, 90 % to 10 %"]


def test_an_up_that_changes_no_version_moves_nobody() -> None:
    preview = standing().same(t.WORKER_VERSION, "v", ROOM).same(t.WORKERS_DEPLOYMENT, "d", DEPLOYMENT)
    assert said(preview) == []


@pytest.mark.parametrize(
    ("was", "becomes", "stops"),
    [
        (ROOM, exporting("Room", "Hall"), True),
        (ROOM, exporting(gone=("Room",)), True),
        (PLAIN, ROOM, True),
        (ROOM, exporting("Room", "Hall", deploy=False), True),
        (ROOM, exporting("Room", "Hall", deploy=True), False),
        (ROOM, exporting("Room", "Hall", deploy=UNKNOWN), False),
        (ROOM, {**ROOM, "mainModule": "b.js"}, False),
        (exporting("Room", gone=("Old",)), ROOM, False),  # it was ended long ago
        (ROOM, exporting("Room", gone=("Old",)), False),  # it never was
        (ROOM, {**ROOM, "exports": UNKNOWN}, False),
    ],
)
def test_an_upload_that_changes_classes_without_being_deployed_is_stopped(was: Any, becomes: Any, stops: bool) -> None:
    assert len(list(refused(upload(was, becomes).plan))) == stops


def test_the_first_version_of_a_worker_with_classes_is_deployed_by_its_upload() -> None:
    def first(version: dict[str, Any]) -> Preview:
        return (
            Preview().create(t.WORKER, "desk", WORKER).create(t.WORKER_VERSION, "v", {**version, "workerId": UNKNOWN})
        )

    assert len(list(refused(first(ROOM).plan))) == 1
    assert list(refused(first({**ROOM, "deploy": True}).plan)) == []
    assert list(refused(first(PLAIN).plan)) == []


def test_a_version_that_left_the_state_is_not_judged_by_what_nobody_knows() -> None:
    assert list(refused(standing().create(t.WORKER_VERSION, "v", ROOM).plan)) == []


def test_the_verdict_shows_it_to_people_and_to_programs() -> None:
    preview = upload(ROOM, exporting("Room", "Hall"))
    verdict = judge(preview.plan, Stage.PRODUCTION, Waivers("base"), (), date(2026, 11, 30))
    assert not verdict.passes
    assert "10211" in render(verdict)
    document = as_json(verdict)
    assert document["traffic"] == ["WorkerVersion desk-version: is uploaded, and nobody gets it by this up"]
    assert "Who gets which version" in render(verdict)
