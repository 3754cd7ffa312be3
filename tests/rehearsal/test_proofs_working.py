"""The proofs that stages work: each notices a Worker that does not, and a trace that is in the wrong place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.model.failures import Failed
from bulkhead.model.product import Journey, Place
from bulkhead.rehearsal.evidence import Outcome
from infra.product import PRODUCT
from tests.support.memory import MemoryCloud
from tests.support.records import DATABASE, NAMESPACE
from tests.support.scene import Break, World

DATABASE_MAIN = (Place.DATABASE, "main")
LEDGER = (Place.OBJECT, "BookingLedger")
TRANSCRIPTS = (Place.BUCKET, "transcripts")
SESSIONS = (Place.NAMESPACE, "sessions")
ANSWERS = (Place.NAMESPACE, "answers")


def answering(worker: str, answer: Answer | Failed) -> Break:
    """A Worker of staging answers like this."""

    def do(world: World) -> None:
        world["staging"].cloud.answers[world["staging"].worker(worker)] = answer

    said = answer.summary if isinstance(answer, Failed) else f"{answer.status} {answer.text}"
    expected = "the proof to run" if isinstance(answer, Failed) else f"{worker} of staging to answer"
    return Break("answers", f"{worker}: {said}", do, expected, said)


def domain_lost(world: World) -> None:
    world["production"].cloud.routes.clear()


def domain_swapped(world: World) -> None:
    production = world["production"]
    routes = production.cloud.routes
    web, clerk = production.worker("web"), production.worker("clerk")
    routes[web], routes[clerk] = routes[clerk], routes[web]


def env(world: World) -> list[str]:
    """Return what a Worker of production has in its env; the list can be changed."""
    return world["production"].cloud.env[world["production"].worker("web")]


def led(cloud: MemoryCloud, trace: tuple[Place, str], room: list[str]) -> None:
    """What is written to a store of ``cloud`` ends up in another place."""
    cloud.writes[trace] = room


def across(trace: tuple[Place, str], world: World) -> None:
    """Staging's store is production's."""
    led(world["staging"].cloud, trace, world["production"].cloud.rooms[trace])


def both(trace: tuple[Place, str], world: World) -> None:
    """What is written in staging is seen in production too."""
    shared = world["staging"].cloud.rooms[trace]
    world["production"].cloud.rooms[trace] = shared


def nowhere(trace: tuple[Place, str], world: World) -> None:
    led(world["staging"].cloud, trace, [])


def shared_store(trace: tuple[Place, str]) -> Break:
    seen = f"{trace[0]} '{trace[1]}'"
    return Break("stores", f"{seen} shared", lambda w: both(trace, w), "staging's word in production: none", seen)


BREAKS = (
    answering("web", Answer(500, {}, b"boom")),
    answering("clerk", Answer(503, {}, b"database is gone")),
    answering("web", Failed("the Worker did not answer within 30 s")),
    answering("booking", Failed("the local Cloudflare at 127.0.0.1:1 does not answer")),
    Break(
        "answers",
        "a Worker was never deployed",
        lambda w: w["staging"].cloud.answers.pop(w["staging"].worker("clerk")),
        "the proof to run",
        "no Worker harbor-staging-worker-clerk",
    ),
    Break("answers", "no hostname", domain_lost, "harbor.example to lead to web of production", "its routes: []"),
    Break("answers", "another's hostname", domain_swapped, "harbor.example to lead to web", "its routes: []"),
    Break(
        "answers",
        "no manifest",
        lambda w: w["staging"].stack.exported.clear(),
        "staging to export its manifest",
        "nothing",
    ),
    Break("bindings", "one more", lambda w: env(w).append("DB"), "env of web in production", "too many: ['DB']"),
    Break(
        "bindings",
        "one fewer",
        lambda w: env(w).remove("SESSION_KEY"),
        "env of web in production",
        "missing: ['SESSION_KEY']",
    ),
    Break("bindings", "none at all", lambda w: env(w).clear(), "'STAGE'", "too many: none, missing: ['ASSISTANT'"),
    Break(
        "journeys",
        "the visitor is refused",
        lambda w: w["staging"].cloud.answers.update({w["staging"].worker("web"): Answer(404, {}, b"no such page")}),
        "a booking to succeed in staging",
        "404 no such page",
    ),
    Break(
        "journeys",
        "the booking is in no database",
        lambda w: nowhere(DATABASE_MAIN, w),
        "a booking of staging in database 'main', object 'BookingLedger'",
        "not in database 'main'",
    ),
    Break(
        "journeys",
        "the ledger is not in its Durable Object",
        lambda w: nowhere(LEDGER, w),
        "a booking of staging",
        "not in object 'BookingLedger'",
    ),
    Break(
        "journeys",
        "the booking is in another stage's D1 too",
        lambda w: both(DATABASE_MAIN, w),
        "nothing of staging's a booking in production",
        "it is in database 'main'",
    ),
    Break(
        "journeys",
        "the transcript is in another stage's R2",
        lambda w: across(TRANSCRIPTS, w),
        "a chat of staging in bucket 'transcripts'",
        "not in bucket 'transcripts'",
    ),
    Break(
        "journeys",
        "the transcript is in the right R2 and another one",
        lambda w: both(TRANSCRIPTS, w),
        "nothing of staging's a chat in production",
        "it is in bucket 'transcripts'",
    ),
    Break(
        "stores",
        "the database of another stage",
        lambda w: across(DATABASE_MAIN, w),
        "staging's word in staging: bucket 'transcripts', database 'main'",
        "bucket 'transcripts', namespace 'answers', namespace 'sessions'",
    ),
    Break(
        "stores",
        "the bucket of another stage",
        lambda w: across(TRANSCRIPTS, w),
        "staging's word in staging: bucket 'transcripts', database 'main'",
        "database 'main', namespace 'answers', namespace 'sessions'",
    ),
    *(shared_store(trace) for trace in (DATABASE_MAIN, ANSWERS, TRANSCRIPTS)),
    Break(
        "stores",
        "one namespace stands for two of the same stage",
        lambda w: led(w["staging"].cloud, SESSIONS, w["staging"].cloud.rooms[ANSWERS]),
        "namespace 'answers', namespace 'sessions'",
        "bucket 'transcripts', database 'main', namespace 'answers'",
    ),
    Break(
        "stores",
        "the word turns up in a Durable Object",
        lambda w: led(w["staging"].cloud, DATABASE_MAIN, w["staging"].cloud.rooms[LEDGER]),
        "database 'main'",
        "object 'BookingLedger'",
    ),
    Break(
        "stores",
        "the cloud has no such database",
        lambda w: w.forget("staging", DATABASE),
        "harbor-staging-d1-main among the resources of staging",
        "no cloudflare:index/d1Database:D1Database of this name",
    ),
    Break(
        "stores",
        "the cloud has no such namespace",
        lambda w: w.forget("staging", NAMESPACE),
        "harbor-staging-kv-sessions among the resources of staging",
        "of this title",
    ),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_a_name_without_right_in_another_worker_is_seen_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    cloud = world["development"].cloud
    for worker in PRODUCT.workers:
        names = cloud.env[world["development"].worker(worker.name)]
        names.append("EXTRA")
        verdict = world.verdict("bindings")
        assert verdict.outcome is Outcome.FAILED
        assert f"env of {worker.name} in development" in verdict.expected
        names.remove("EXTRA")


def test_a_product_without_journeys_or_stores_shows_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    bare = replace(PRODUCT.workers[3], bindings=())
    visits: dict[str, Any] = {"journeys": (), "probes": (), "warm": ()}
    stores: dict[str, Any] = {"databases": (), "namespaces": (), "buckets": (), "queues": ()}
    product = replace(PRODUCT, workers=(bare,), secrets=(), **stores, **visits)
    world.scene = replace(world.scene, product=product)
    assert {world.verdict(key).outcome for key in ("journeys", "stores")} == {Outcome.NOT_SHOWN}


def test_a_mark_is_written_into_path_and_body_however_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    sent: list[str] = []
    body = {"a": ["{mark}", {"b": "x-{mark}"}], "n": 1}
    journey = Journey("deep", worker="web", path="/{mark}", body=body, leaves=((Place.BUCKET, "transcripts"),))
    world.scene = replace(world.scene, product=replace(PRODUCT, journeys=(journey,)))
    for part in world.parts.values():

        def fetch(
            worker: str, path: str, *, room: list[str] = part.cloud.rooms[TRANSCRIPTS], **given: object
        ) -> Answer:
            sent.append(path)
            room.append(str(given["json"]))
            return Answer(200, {}, b"")

        monkeypatch.setattr(part.cloud, "fetch", fetch)
    assert world.verdict("journeys").outcome is Outcome.PROVEN
    mark = sent[0].removeprefix("/")
    texts = [text for part in world.parts.values() for text in part.cloud.rooms[TRANSCRIPTS]]
    assert str({"a": [mark, {"b": f"x-{mark}"}], "n": 1}) in texts
    assert len(set(sent)) == len(world.parts)


def test_two_classes_of_one_name_are_both_looked_into(tmp_path: Path) -> None:
    """Two Workers may each own a class of the same name; what is in the first must not hide behind the second."""
    world = World(tmp_path)
    workers = tuple(replace(w, owns=("BookingLedger",)) if w.name == "clerk" else w for w in PRODUCT.workers)
    world.scene = replace(world.scene, product=replace(PRODUCT, workers=workers, journeys=PRODUCT.journeys[:1]))
    for part in world.parts.values():
        empty = (Place.OBJECT, "BookingLedger of clerk")
        part.cloud.add(empty, f"{part.worker('clerk')}-BookingLedger")
    assert world.verdict("journeys").outcome is Outcome.PROVEN
