"""The stages work: each Worker answers, and sees exactly what the product grants it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.model.product import HEALTH, Journey, Place, Worker
from bulkhead.rehearsal.evidence import NotShown, Unproven
from bulkhead.rehearsal.proofs.proof import require, several_stages
from bulkhead.rehearsal.scene import Scene, StandingStage

Trace = tuple[Place, str]  # a kind of store, and the product's own name for the one of that kind


def answers(scene: Scene) -> str:
    """Every Worker answers; a public one on its hostname, an internal one as other Workers call it."""

    def ask(stage: StandingStage) -> list[str]:
        seen = []
        for worker in scene.product.workers:
            answer = _visited(scene, stage, worker) if worker.host else _called(scene, stage, worker)
            require(
                answer.status < 500,  # noqa: PLR2004 - HTTP's own border between answers and failures
                f"{worker.name} of {stage.environment} to answer",
                f"{answer.status} {answer.text[:300]}",
            )
            seen.append(f"{worker.name} {answer.status}")
        return seen

    statuses = scene.in_each_stage(ask)
    return "; ".join(f"{environment}: {', '.join(seen)}" for environment, seen in statuses.items())


def bindings(scene: Scene) -> str:
    """The names in each Worker's env, read inside the running Worker, are those the product grants."""

    def compare(stage: StandingStage) -> int:
        names = 0
        for worker in scene.product.workers:
            seen, granted = set(stage.cloud.env_keys(scene.worker_name(stage, worker))), set(worker.granted())
            require(
                seen == granted,
                f"env of {worker.name} in {stage.environment} to hold {sorted(granted)}",
                f"too many: {sorted(seen - granted) or 'none'}, missing: {sorted(granted - seen) or 'none'}",
            )
            names += len(seen)
        return names

    counts = scene.in_each_stage(compare)
    return f"{len(scene.product.workers)} Workers per stage; names in env: {_by_stage(counts)}, nothing more"


def journeys(scene: Scene) -> str:
    """What a visitor does in one stage is in that stage's stores and in no other stage's."""
    several_stages(scene)
    if not scene.product.journeys:
        raise NotShown("the product names no journeys")
    marks = {(e, j.name): uuid.uuid4().hex[:12] for e in scene.stages for j in scene.product.journeys}

    def travel(stage: StandingStage) -> None:
        for journey in scene.product.journeys:
            travel_once(scene, stage, journey, marks[stage.environment, journey.name])

    scene.in_each_stage(travel)
    found = scene.in_each_stage(lambda stage: list(scene.contents(stage)))
    traces = 0
    for (origin, name), mark in marks.items():
        journey = next(j for j in scene.product.journeys if j.name == name)
        for environment, contents in found.items():
            holding = {(place, store) for place, store, text in contents if mark in text}
            if environment == origin:
                missing = set(journey.leaves) - holding
                require(not missing, f"{name} of {origin} in {_places(journey.leaves)}", f"not in {_places(missing)}")
                traces += len(holding)
            else:
                require(not holding, f"nothing of {origin}'s {name} in {environment}", f"it is in {_places(holding)}")
    return f"{len(marks)} journeys left {traces} traces in their own stage's stores and none in another's"


def stores(scene: Scene) -> str:
    """A word written into every store of one stage is found there and in no store of another stage."""
    several_stages(scene)
    marks = {environment: uuid.uuid4().hex for environment in scene.stages}

    def plant(stage: StandingStage) -> set[Trace]:
        return _plant(scene, stage, marks[stage.environment])

    planted = scene.in_each_stage(plant)
    if not any(planted.values()):
        raise NotShown("the product has no D1, KV or R2 store")
    found = scene.in_each_stage(lambda stage: list(scene.contents(stage)))
    for environment, contents in found.items():
        for origin, mark in marks.items():
            holding = {(place, store) for place, store, text in contents if mark in text}
            expected = planted[environment] if origin == environment else set()
            require(
                holding == expected,
                f"{origin}'s word in {environment}: {_places(expected)}",
                f"{_places(holding)}",
            )
    counts = _by_stage({environment: len(places) for environment, places in planted.items()})
    return f"a word per stage, written to {counts} stores, was found nowhere else"


def _visited(scene: Scene, stage: StandingStage, worker: Worker) -> Answer:
    """Visit the hostname that the stage exports. It must lead to this Worker by itself: the local Cloudflare, unlike
    the real one, hands a hostname that nobody has to the product's first Worker."""
    hostname = str(urlsplit(stage.manifest()["workers"][worker.name]["url"]).hostname)
    routes = {one["name"]: one["routes"] for one in stage.cloud.call("state")["workers"]}
    own = routes.get(scene.worker_name(stage, worker), [])
    require(f"{hostname}/*" in own, f"{hostname} to lead to {worker.name} of {stage.environment}", f"its routes: {own}")
    return stage.cloud.visit(hostname, HEALTH, headers=stage.key())


def _called(scene: Scene, stage: StandingStage, worker: Worker) -> Answer:
    return stage.cloud.fetch(scene.worker_name(stage, worker), HEALTH)


def travel_once(scene: Scene, stage: StandingStage, journey: Journey, mark: str) -> None:
    """Make a journey that leaves ``mark``. Raises Unproven where it fails."""
    worker = scene.worker_name(stage, journey.worker)
    path, body = journey.marked(mark)
    answer = stage.cloud.fetch(worker, path, method=journey.method, json=body)
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own border of success
        raise Unproven(f"{journey.name} to succeed in {stage.environment}", f"{answer.status} {answer.text[:300]}")


def _plant(scene: Scene, stage: StandingStage, mark: str) -> set[Trace]:
    planted = set()
    for place, name, id_ in scene.stores(stage):
        match place:
            case Place.DATABASE:
                stage.cloud.d1_query(id_, "CREATE TABLE IF NOT EXISTS rehearsal_mark (word TEXT NOT NULL)")
                stage.cloud.d1_query(id_, "INSERT INTO rehearsal_mark (word) VALUES (?)", [mark])
            case Place.NAMESPACE:
                stage.cloud.kv_put(id_, f"rehearsal-mark-{name}", mark)
            case _:
                stage.cloud.r2_put(id_, f"rehearsal-mark-{name}", mark)
        planted.add((place, name))
    return planted


def _by_stage(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{environment} {count}" for environment, count in counts.items())


def _places(places: Iterable[Trace]) -> str:
    return ", ".join(sorted(f"{place} {name!r}" for place, name in places)) or "none"
