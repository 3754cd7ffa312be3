"""The proofs of what must last and what is to go: each notices a lock that gives way and a stage that half goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bulkhead.engine.events import Event, OperationStarted
from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.model.product import Place
from bulkhead.rehearsal.evidence import Outcome
from tests.support.records import BUCKET, DATABASE, WORKER
from tests.support.scene import Break, World

PROTECTED = "destroy to be refused because resources are protected"
AS_BEFORE = "the same resources, data and answer after destroy"


def lock(what: str, change: Callable[[World], object], expected: str, seen: str) -> Break:
    return Break("vault", what, change, expected, seen)


def no_lock(world: World) -> None:
    world["production"].s3.lock = None


def lock_gives_way(world: World) -> None:
    world["production"].s3.refusal = None


def lock_breaks(world: World) -> None:
    world["production"].s3.refusal = "InternalError"


def lock_bypassed(world: World) -> None:
    world["production"].s3.bypassed = True


def lock_shortened(world: World) -> None:
    world["production"].s3.shortened = True


def nothing_copied(world: World) -> None:
    world["production"].s3.copies = False


def backup_vanishes(world: World) -> None:
    """Deletion is refused, and the backup is gone all the same."""
    world["production"].s3.loses = True


def no_vault(world: World) -> None:
    world["production"].s3.bucket = "somebody-elses"


def refused_with(refusal: str | None) -> Callable[[World], None]:
    def do(world: World) -> None:
        world["production"].stack.refusal = refusal

    return do


def after_destroying(environment: str, effect: Callable[[World], object]) -> Callable[[World], None]:
    """A refused, or a successful, destruction has a side effect."""

    def do(world: World) -> None:
        world[environment].stack.afterwards.append(lambda: effect(world))

    return do


def answer_with(environment: str, status: int) -> Callable[[World], None]:
    def do(world: World) -> None:
        world[environment].cloud.answers[world[environment].worker("web")] = Answer(status, {}, b"{}")

    return do


def production_changed(what: str, effect: Callable[[World], object], seen: str) -> Break:
    return Break("production-stays", what, after_destroying("production", effect), AS_BEFORE, seen)


def other_changed(environment: str, what: str, effect: Callable[[World], object], seen: str) -> Break:
    do = after_destroying("development", effect)
    return Break("development-goes", f"{environment} {what}", do, f"{environment} untouched", seen)


def left(what: str, effect: Callable[[World], object], expected: str, seen: str) -> Break:
    return Break("development-goes", what, after_destroying("development", effect), expected, seen)


def keep_one(world: World) -> None:
    """A resource is never deleted in its cloud."""
    kept = world.record("development", DATABASE)
    world["development"].stack.afterwards.append(lambda: world.store.put(kept))


def known(world: World) -> None:
    world["development"].stack.left.append({"urn": "urn:development:forgotten", "type": "t"})


def worker_stays(world: World) -> None:
    world["development"].cloud.answers["harbor-development-worker-web"] = Answer(200, {}, b"")


def store_stays(world: World) -> None:
    world["development"].cloud.known_as["id-of-a-database"] = (Place.DATABASE, "main")


def write_into(environment: str, place: Place, store: str) -> Callable[[World], object]:
    return lambda w: w[environment].cloud.rooms[place, store].append("new line")


BREAKS = (
    lock("no lock", no_lock, "a new backup to be locked", "it has no lock"),
    lock("deletion succeeds", lock_gives_way, "AccessDenied when the locked version is deleted", "it was done"),
    lock("a bypass", lock_bypassed, "AccessDenied when the locked version is deleted past its lock", "it was done"),
    lock("a shorter one", lock_shortened, "AccessDenied when the locked version gets a shorter lock", "it was done"),
    lock("another error", lock_breaks, "AccessDenied when the locked version is deleted", "InternalError"),
    lock("no copy", nothing_copied, "a locked copy of the backup in ap-northeast-3", "404"),
    lock("gone anyway", backup_vanishes, "the locked version to be readable", "0 bytes"),
    lock("no vault", no_vault, "the proof to run to its end", "NoSuchBucket"),
    Break("production-stays", "destroy succeeds", refused_with(None), PROTECTED, "it succeeded"),
    Break("production-stays", "another failure", refused_with("out of disk"), PROTECTED, "out of disk"),
    production_changed("a resource goes", lambda w: w.forget("production", WORKER), "gone: ["),
    production_changed(
        "a resource changes",
        lambda w: w.change("production", BUCKET, location="eu"),
        "harbor-production-r2-transcripts",
    ),
    production_changed("the Worker stops", answer_with("production", 500), "harbor-production-worker-web 500"),
    production_changed("rows go", lambda w: w["production"].cloud.rooms[Place.DATABASE, "main"].append("x"), "x"),
    production_changed(
        "AWS loses the vault",
        lambda w: w["production"].aws.update(buckets=[("another", 0)]),
        "buckets=(('another', 0),)",
    ),
    production_changed(
        "a backup goes",
        lambda w: w["production"].aws.update(buckets=[(w["production"].s3.bucket, 3)]),
        "333333333333', 3)",
    ),
    production_changed(
        "the engine forgets",
        lambda w: setattr(w["production"].stack, "gone", True),
        "in the state: urn:pulumi:production::",
    ),
    Break(
        "production-stays",
        "empty inventory",
        lambda w: w.forget("production"),
        "resources of production in the clouds",
        "none",
    ),
    Break(
        "production-stays",
        "empty account",
        lambda w: w["production"].aws.clear(),
        "something in production's AWS account",
        "nothing",
    ),
    Break("development-goes", "a resource stays", keep_one, "nothing of development in the clouds", "d1Database"),
    left("the engine still knows one", known, "nothing in the state of development", "urn:development:forgotten"),
    left("a key stays", lambda w: w["development"].aws.update(keys=["k-1"]), "development's AWS account", "keys: k-1"),
    left("a Worker runs on", worker_stays, "development's Cloudflare", "harbor-development-worker-web"),
    left("a store stays", store_stays, "development's Cloudflare", "id-of-a-database"),
    Break(
        "development-goes",
        "it is refused",
        lambda w: setattr(w["development"].stack, "refusal", "bucket is not empty"),
        "the proof to run to its end",
        "bucket is not empty",
    ),
    Break(
        "development-goes",
        "there was nothing",
        lambda w: w.forget("development"),
        "resources of development in the clouds",
        "none",
    ),
    other_changed("staging", "loses a resource", lambda w: w.forget("staging", WORKER), "gone: ["),
    other_changed("production", "gets a row", write_into("production", Place.DATABASE, "main"), "new line"),
    other_changed("staging", "gets an object", write_into("staging", Place.OBJECT, "BookingLedger"), "new line"),
    other_changed(
        "production", "answers otherwise", answer_with("production", 503), "harbor-production-worker-web 503"
    ),
    other_changed("staging", "AWS", lambda w: w["staging"].aws.update(topics=["t"]), "topics=('t',)"),
    Break(
        "development-goes",
        "staging has no resources",
        lambda w: w.forget("staging"),
        "resources of staging in the clouds",
        "none",
    ),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_production_is_tried_both_ways(tmp_path: Path) -> None:
    world = World(tmp_path)
    stack = world["production"].stack
    assert world.verdict("production-stays").outcome is Outcome.PROVEN
    assert stack.destroyed == [False, True]


@pytest.mark.parametrize("skip_preview", [False, True])
def test_either_way_alone_must_be_refused(skip_preview: bool, tmp_path: Path) -> None:
    world = World(tmp_path)
    stack = world["production"].stack
    stack.refusals = {skip_preview: None}
    verdict = world.verdict("production-stays")
    assert verdict.outcome is Outcome.FAILED
    assert verdict.expected.startswith("destroy --skip-preview" if skip_preview else "destroy to")


def test_a_refusal_that_is_meant_is_not_reported_as_progress(tmp_path: Path) -> None:
    world = World(tmp_path)
    heard: list[Event] = []
    stack = world["production"].stack
    stack._on_event = heard.append
    stack.afterwards.append(lambda: stack._on_event(OperationStarted("production", "destroy")))
    assert world.verdict("production-stays").outcome is Outcome.PROVEN
    assert heard == []
    assert stack._on_event == heard.append


def test_the_access_log_may_grow_by_being_looked_at(tmp_path: Path) -> None:
    world = World(tmp_path)
    account = world["production"].settings.aws.account_id
    log = f"harbor-production-vault-log-{account}"
    world["production"].aws["buckets"].append((log, 1))
    stack = world["production"].stack
    stack.afterwards.append(
        lambda: world["production"].aws.update(buckets=[*world["production"].aws["buckets"][:1], (log, 7)])
    )
    assert world.verdict("production-stays").outcome is Outcome.PROVEN
    stack.afterwards.append(lambda: world["production"].aws.update(buckets=world["production"].aws["buckets"][:1]))
    assert world.verdict("production-stays").outcome is Outcome.FAILED


def test_buckets_are_emptied_first_as_the_command_does(tmp_path: Path) -> None:
    world = World(tmp_path)
    development = world["development"]
    seen: list[list[str]] = []
    development.stack.before.append(lambda: seen.append([*development.emptied]))
    assert world.verdict("development-goes").outcome is Outcome.PROVEN
    assert seen == [["harbor-development-r2-transcripts", development.s3.bucket]]
    assert world["staging"].emptied == []


def test_development_alone_goes_without_another_to_compare_with(tmp_path: Path) -> None:
    verdict = World(tmp_path, ["development"]).verdict("development-goes")
    assert verdict.outcome is Outcome.PROVEN
    assert verdict.evidence.endswith("no other stage as before")


def test_a_refused_destroy_may_forget_what_the_state_only_looks_up(tmp_path: Path) -> None:
    world = World(tmp_path)
    stack = world["production"].stack
    there = stack.resources()
    looked_up = {"urn": "urn:looked-up", "type": "pulumi:pulumi:StackReference", "custom": True, "external": True}
    stack.resources = lambda: there if stack.destroyed else [*there, looked_up]  # type: ignore[method-assign]
    assert world.verdict("production-stays").outcome is Outcome.PROVEN
