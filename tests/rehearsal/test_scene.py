"""What the proofs see through a scene, and what they are told when something is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.naming import Kind
from bulkhead.model.product import Place
from bulkhead.rehearsal.evidence import Unproven
from bulkhead.rehearsal.scene import Scene
from tests.support.records import DATABASE, WORKER
from tests.support.scene import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_every_store_and_durable_object_is_looked_into(world: World) -> None:
    staging = world.scene.stages["staging"]
    for trace, room in world["staging"].cloud.rooms.items():
        room.append(f"what is in {trace}")
    contents = list(world.scene.contents(staging))
    assert contents == [(place, name, f"what is in {(place, name)}") for place, name, _ in contents]
    assert {(place, name) for place, name, _ in contents} == {
        (Place.DATABASE, "main"),
        (Place.NAMESPACE, "sessions"),
        (Place.NAMESPACE, "answers"),
        (Place.BUCKET, "transcripts"),
        (Place.OBJECT, "BookingLedger"),
        (Place.OBJECT, "Conversation"),
    }


def test_stores_go_by_what_their_cloud_calls_them(world: World) -> None:
    staging = world.scene.stages["staging"]
    assert list(world.scene.stores(staging)) == [
        (Place.DATABASE, "main", "id-harbor-staging-d1-main"),
        (Place.NAMESPACE, "sessions", "id-harbor-staging-kv-sessions"),
        (Place.NAMESPACE, "answers", "id-harbor-staging-kv-answers"),
        (Place.BUCKET, "transcripts", "harbor-staging-r2-transcripts"),
    ]
    assert world.scene.name(staging, Kind.QUEUE, "events") == "harbor-staging-queue-events"


def test_a_stage_sees_its_own_resources_only(world: World) -> None:
    staging = world.scene.stages["staging"]
    assert {record.environment for record in world.scene.records(staging)} == {"staging"}
    assert {record.type for record in world.scene.records(staging, WORKER)} == {WORKER}


def test_what_is_not_there_is_named(world: World) -> None:
    staging = world.scene.stages["staging"]
    world.forget("staging", DATABASE)
    with pytest.raises(Unproven, match="expected harbor-staging-d1-main among the resources of staging"):
        list(world.scene.contents(staging))
    world["staging"].stack.exported.clear()
    with pytest.raises(Unproven, match="expected staging to export its manifest; seen exported: nothing"):
        staging.manifest()


def test_a_state_without_a_stack_exports_nothing(world: World) -> None:
    world["staging"].stack.gone = True
    assert world.scene.stages["staging"].outputs() == {}


def test_the_stages_are_looked_at_side_by_side_and_the_answers_keep_their_order(world: World) -> None:
    seen = world.scene.in_each_stage(lambda stage: stage.settings.stage.value.upper())
    assert seen == {"development": "DEVELOPMENT", "staging": "STAGING", "production": "PRODUCTION"}


def test_what_breaks_in_one_stage_is_not_swallowed(world: World) -> None:
    def look(stage: object) -> str:
        raise Unproven("water", "wine")

    with pytest.raises(Unproven):
        world.scene.in_each_stage(look)


def test_production_is_never_emptied(world: World) -> None:
    with pytest.raises(Refused, match="production"):
        Scene.empty(world.scene, world.scene.stages["production"])
