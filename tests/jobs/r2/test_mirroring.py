"""A bucket is brought to the vault: new and changed objects, deletions, odd keys, failures, continuations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jobs.folders import MIRRORED
from jobs.r2 import mirroring
from jobs.r2.copies import PART
from jobs.r2.index import IndexDamaged, index_key
from jobs.r2.mirroring import MirrorFailed, Progress, mirror
from jobs.r2.sides import accepted_key
from tests.jobs.r2.test_index import ODD
from tests.support.mirrored import NAME, PLENTY, SOURCE, STATE, VAULT, Mirrored, Watched, refused
from tests.support.s3 import InProcessS3

# What moto's own S3 does not take.
_NOT_HERE = {"/", "//", "a/", "/a"}


@pytest.fixture
def mirrored(local_s3: InProcessS3) -> Mirrored:
    client = local_s3.emptied()
    made = Mirrored(client, client)
    made.prepare()
    return made


def test_what_is_new_is_in_the_vault_with_all_that_describes_it(mirrored: Mirrored) -> None:
    mirrored.put("a.pdf", b"%PDF", ContentType="application/pdf", CacheControl="no-store", Metadata={"by": "me"})
    mirrored.put("empty", b"")
    told = mirrored.run()
    assert (told["objects"], told["bytes"], told["copied"], told["deleted"], told["failed"]) == (2, 4, 2, 0, 0)
    found = mirrored.s3.get_object(Bucket=VAULT, Key=f"{MIRRORED}{NAME}/a.pdf")
    assert found["Body"].read() == b"%PDF"
    assert (found["ContentType"], found["CacheControl"], found["Metadata"]) == (
        "application/pdf",
        "no-store",
        {"by": "me"},
    )
    entry = mirrored.index()["a.pdf"]
    assert entry.http == {"ContentType": "application/pdf", "CacheControl": "no-store"}
    assert entry.metadata == {"by": "me"}
    assert mirrored.kept(mirrored.index()["empty"]) == b""


def test_metadata_that_s3_has_no_room_for_is_in_the_index(mirrored: Mirrored) -> None:
    mirrored.put("a")
    real = mirrored.s3.get_object
    metadata = {"long": "x" * 4000}

    class Roomy(Watched):
        def get_object(self, **given: Any) -> Any:
            return real(**given) | {"Metadata": metadata}

    mirrored.r2 = Roomy(mirrored.s3)
    mirrored.run()
    assert mirrored.index()["a"].metadata == metadata


def test_what_did_not_change_costs_a_list_call_for_a_thousand(mirrored: Mirrored) -> None:
    for number in range(1100):
        mirrored.put(f"{number:05}")
    assert mirrored.run()["copied"] == 1100
    mirrored.r2 = Watched(mirrored.s3)
    before = mirrored.index()
    assert mirrored.run()["copied"] == 0
    assert mirrored.r2.calls == ["list_objects_v2"] * 2
    assert mirrored.index() == before


def test_every_odd_key_has_its_own_content(mirrored: Mirrored) -> None:
    keys = [key for key in ODD if key not in _NOT_HERE]
    for key in keys:
        mirrored.put(key, key.encode())
    told = mirrored.run()
    assert (told["copied"], told["failed"]) == (len(keys), 0)
    assert {key: mirrored.kept(entry) for key, entry in mirrored.index().items()} == {k: k.encode() for k in keys}


def test_a_large_object_comes_in_parts_and_is_never_held_as_a_whole(mirrored: Mirrored) -> None:
    body = bytes(range(256)) * (PART // 256) * 2 + b"end"
    mirrored.put("large", body, ContentType="video/mp4")
    mirrored.s3 = vault = Watched(mirrored.s3)
    mirrored.run()
    assert vault.calls.count("upload_part") == 3
    assert mirrored.kept(mirrored.index()["large"]) == body
    assert mirrored.index()["large"].http == {"ContentType": "video/mp4"}


def test_an_object_that_was_replaced_is_there_in_both_versions(mirrored: Mirrored) -> None:
    mirrored.put("a", b"old")
    mirrored.run()
    old = mirrored.index()["a"]
    mirrored.put("a", b"new")
    assert mirrored.run()["copied"] == 1
    assert (mirrored.kept(old), mirrored.kept(mirrored.index()["a"])) == (b"old", b"new")


def test_what_is_deleted_stays_until_its_life_ends(mirrored: Mirrored) -> None:
    for key in "abc":
        mirrored.put(key, key.encode())
    mirrored.run(day=0)
    mirrored.delete("b")
    told = mirrored.run(day=1)
    assert (told["objects"], told["deleted"]) == (2, 1)
    entry = mirrored.index()["b"]
    assert entry.deleted == "2026-01-02T18:00:00+00:00"
    assert mirrored.kept(entry) == b"b"
    assert not mirrored.is_shown(entry.place)
    assert mirrored.run(day=2)["deleted"] == 0
    assert mirrored.index()["b"] == entry
    mirrored.run(day=29)
    assert "b" in mirrored.index()
    mirrored.run(day=30)
    assert set(mirrored.index()) == {"a", "c"}


def test_what_was_deleted_and_comes_back_is_seen_again(mirrored: Mirrored) -> None:
    mirrored.put("a", b"1")
    mirrored.run()
    mirrored.delete("a")
    mirrored.run()
    mirrored.put("a", b"1")
    assert mirrored.run()["copied"] == 1
    assert mirrored.is_shown(f"{MIRRORED}{NAME}/a")


@pytest.mark.parametrize(
    ("objects", "deleted", "stops"), [(150, 100, False), (150, 101, True), (510, 102, False), (510, 103, True)]
)
def test_a_mass_deletion_stops_and_calls(mirrored: Mirrored, objects: int, deleted: int, stops: bool) -> None:
    for number in range(objects):
        mirrored.put(f"{number:04}")
    mirrored.run()
    mirrored.delete(*(f"{number:04}" for number in range(deleted)))
    mirrored.put("new")
    if not stops:
        assert mirrored.run()["deleted"] == deleted
        return
    for _ in range(2):
        with pytest.raises(
            MirrorFailed, match=f"{deleted} of {objects}.* objects are gone.*--accept-deleted {deleted}"
        ):
            mirrored.run()
        assert not [entry for entry in mirrored.index().values() if entry.deleted]
        assert mirrored.is_shown(f"{MIRRORED}{NAME}/0000")
        assert "new" in mirrored.index(), "what is new is copied all the same"
        objects += 1
    mirrored.s3.put_object(Bucket=STATE, Key=accepted_key(mirrored.sides.parts), Body=str(deleted).encode())
    assert mirrored.run()["deleted"] == deleted
    assert "Contents" not in mirrored.s3.list_objects_v2(Bucket=STATE), "it was accepted once, not for ever"


def test_a_run_without_time_is_continued_where_it_stood(mirrored: Mirrored) -> None:
    for number in range(30):
        mirrored.put(f"{number:02}", str(number).encode())
    mirrored.run()
    mirrored.delete("07", "21")
    mirrored.put("05", b"changed")
    mirrored.put("30", b"new")
    told = mirrored.run(remaining=stopping_after(7))
    assert (told["objects"], told["copied"], told["deleted"]) == (29, 2, 2)
    assert mirrored.progress.parts >= 3
    assert {key for key, entry in mirrored.index().items() if entry.deleted} == {"07", "21"}
    assert mirrored.kept(mirrored.index()["05"]) == b"changed"
    assert mirrored.run()["copied"] == 0
    assert "Contents" not in mirrored.s3.list_objects_v2(Bucket=STATE), (
        "the next run removes what was kept for this one"
    )


def test_the_last_part_of_a_run_may_be_done_twice(mirrored: Mirrored) -> None:
    """Lambda tries an invocation again that failed, also when it failed only after its work was done."""
    for key in "abcd":
        mirrored.put(key)
    mirrored.run(day=0)
    mirrored.delete("a", "d")
    progress = Progress("2026-01-02T18:00:00+00:00")
    assert mirror(mirrored.sides, progress, stopping_after(2)) is None
    again = replace(progress)
    assert mirror(mirrored.sides, progress, lambda: PLENTY)
    before = mirrored.index()
    assert mirror(mirrored.sides, again, lambda: PLENTY)
    assert mirrored.index() == before
    assert {key for key, entry in before.items() if entry.deleted} == {"a", "d"}


def stopping_after(calls: int) -> Any:
    """Return a clock that has no time left every so many questions."""
    counted = iter(range(10**9))
    return lambda: 0.0 if next(counted) % calls == calls - 1 else 900.0


def test_a_run_that_was_killed_anywhere_is_made_good_by_the_next_one(mirrored: Mirrored) -> None:
    for key in "abc":
        mirrored.put(key, key.encode())
    mirrored.run()
    mirrored.delete("a")
    mirrored.put("b", b"changed")
    mirrored.put("d", b"d")
    client, kills = mirrored.s3, 0
    for number in range(100):
        left = [number]

        def kill(name: str, _given: dict[str, Any], left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt(name)

        mirrored.s3 = mirrored.r2 = Watched(client, kill)
        try:
            mirrored.run(day=1)
        except KeyboardInterrupt:
            kills += 1
        else:
            break
    assert kills >= 6
    mirrored.s3 = mirrored.r2 = client
    index = mirrored.index()
    assert mirrored.run(day=2)["copied"] == 0
    assert {key: mirrored.kept(index[key]) for key in "bcd"} == {"b": b"changed", "c": b"c", "d": b"d"}
    assert index["a"].deleted
    assert not mirrored.is_shown(index["a"].place)


def test_an_object_that_changes_while_it_is_copied_arrives_as_one_version(mirrored: Mirrored) -> None:
    old, new = (letter * (PART + 5) for letter in (b"o", b"n"))
    mirrored.put("large", old)
    client = mirrored.s3

    def change(name: str, given: dict[str, Any]) -> None:
        if name == "get_object" and given.get("Range", "").startswith(f"bytes={PART}"):
            mirrored.r2.before = lambda _name, _given: None
            client.put_object(Bucket=SOURCE, Key="large", Body=new)

    mirrored.r2 = Watched(client, change)
    assert mirrored.run()["copied"] == 1
    assert mirrored.kept(mirrored.index()["large"]) == new
    assert "Uploads" not in client.list_multipart_uploads(Bucket=VAULT)
    assert mirrored.run()["copied"] == 0


def test_an_object_that_always_changes_is_named(mirrored: Mirrored) -> None:
    mirrored.put("busy")
    client, counted = mirrored.s3, iter(range(100))

    def change(name: str, _given: dict[str, Any]) -> None:
        if name == "get_object":
            client.put_object(Bucket=SOURCE, Key="busy", Body=str(next(counted)).encode())

    mirrored.r2 = Watched(client, change)
    assert mirrored.run()["failed"] == 1
    assert mirrored.progress.named == ["'busy': was written to each of 3 times while it was copied"]


def test_an_object_that_goes_while_it_is_copied_is_no_failure(mirrored: Mirrored) -> None:
    mirrored.put("a")
    mirrored.put("b")
    client = mirrored.s3

    def go(name: str, given: dict[str, Any]) -> None:
        if name == "get_object" and given["Key"] == "a":
            client.delete_object(Bucket=SOURCE, Key="a")

    mirrored.r2 = Watched(client, go)
    told = mirrored.run()
    assert (told["copied"], told["failed"], set(mirrored.index())) == (1, 0, {"b"})


def test_one_object_that_is_refused_does_not_keep_the_others_away(mirrored: Mirrored) -> None:
    for number in range(40):
        mirrored.put(f"bad/{number:02}")
    mirrored.put("good")

    def refuse(name: str, given: dict[str, Any]) -> None:
        if name == "get_object" and given["Key"].startswith("bad/"):
            raise refused("InvalidRequest", 400)

    mirrored.r2 = Watched(mirrored.s3, refuse)
    told = mirrored.run()
    assert (told["copied"], told["failed"]) == (1, 40)
    assert len(mirrored.progress.named) == 20


def test_a_service_that_is_down_ends_the_run(mirrored: Mirrored) -> None:
    for number in range(40):
        mirrored.put(f"{number:02}")

    def refuse(name: str, _given: dict[str, Any]) -> None:
        if name == "get_object":
            raise refused("InternalError", 500)

    mirrored.r2 = Watched(mirrored.s3, refuse)
    with pytest.raises(MirrorFailed, match="20 objects in a row failed, the last one '19': InternalError"):
        mirrored.run()


def test_what_is_too_large_for_a_run_is_named(mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirroring, "LARGEST", 3)
    mirrored.put("a", b"1234")
    assert mirrored.run()["failed"] == 1
    assert mirrored.progress.named == ["'a': has 4 bytes, and at most 3 are mirrored"]


def test_a_damaged_index_is_no_reason_to_mark_anything(mirrored: Mirrored) -> None:
    mirrored.put("a")
    mirrored.run()
    mirrored.s3.put_object(Bucket=VAULT, Key=index_key(NAME), Body=b"nonsense")
    with pytest.raises(IndexDamaged):
        mirrored.run()
    assert mirrored.is_shown(f"{MIRRORED}{NAME}/a")
