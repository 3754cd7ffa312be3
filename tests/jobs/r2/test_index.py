"""What the vault holds of a bucket, written, read again, and held against what R2 lists."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Sequence

import pytest

from jobs.folders import MIRRORED
from jobs.r2.index import Entry, IndexDamaged, Listed, Reading, Writing, merged, place_of

ODD = (
    "a",
    "/",
    "//",
    "a//b",
    "/a",
    "a/",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/./b",
    "...",
    "a/..b",
    "%2E",
    "a%",
    "a b+c",
    "é",
    "e\u0301",
    "\ufffd",
    "\U0001f600",
    "a\nb",
    "\x01",
    "\x7f",
    "k" * 1024,
    "é" * 512,
    "k" * 1023 + "é",
)


def entry(key: str, etag: str = "1", size: int = 1, deleted: str | None = None) -> Entry:
    told = {"ContentType": "text/plain"}, {"by": "me"}
    return Entry(key, etag, size, "2026-01-01T00:00:00+00:00", place_of("files", key), "v1", "f" * 64, *told, deleted)


def listed(key: str, etag: str = "1", size: int = 1) -> Listed:
    return Listed(key, etag, size, "2026-01-01T00:00:00+00:00")


def written(entries: Sequence[Entry]) -> bytes:
    file = io.BytesIO()
    index = Writing(file, {"bucket": "files"})
    for each in entries:
        index.add(each)
    index.close()
    return file.getvalue()


@pytest.mark.parametrize("seed", range(50))
def test_two_sorted_lists_are_joined_by_key(seed: int) -> None:
    chance = random.Random(seed)
    keys = [*ODD, *(f"{chance.randrange(200):03}/{chance.choice('abc')}" for _ in range(100))]
    old, new = ({key for key in keys if chance.random() < 0.7} for _ in range(2))
    pairs = list(merged(map(entry, sorted(old)), map(listed, sorted(new))))
    assert [key for key, _, _ in pairs] == sorted(old | new)
    assert {key for key, known, _ in pairs if known and known.key == key} == old
    assert {key for key, _, found in pairs if found and found.key == key} == new


def test_a_list_that_is_not_sorted_makes_nothing_pass_for_deleted() -> None:
    with pytest.raises(IndexDamaged, match="R2's list is not sorted: 'a' comes after 'b'"):
        list(merged([entry("a")], [listed("b"), listed("a")]))
    with pytest.raises(IndexDamaged, match="the index is not sorted"):
        list(merged([entry("a"), entry("a")], []))


def test_an_index_is_read_as_it_was_written() -> None:
    entries = [entry(key, deleted="2026-02-01T00:00:00+00:00" if key == "é" else None) for key in sorted(ODD)]
    assert list(Reading(io.BytesIO(written(entries)), "files")) == entries


def test_an_index_of_another_bucket_is_refused() -> None:
    with pytest.raises(IndexDamaged, match="no index of the bucket other"):
        Reading(io.BytesIO(written([])), "other")


def test_an_index_that_breaks_off_anywhere_is_seen() -> None:
    whole = written([entry(key) for key in sorted(ODD)])
    for size in range(len(whole)):
        with pytest.raises(IndexDamaged):
            list(Reading(io.BytesIO(whole[:size]), "files"))


def test_an_index_without_one_of_its_lines_is_seen() -> None:
    lines = gzip.decompress(written([entry(key) for key in "abc"])).splitlines(keepends=True)
    for left_out in range(len(lines)):
        packed = gzip.compress(b"".join(lines[:left_out] + lines[left_out + 1 :]))
        with pytest.raises(IndexDamaged):
            list(Reading(io.BytesIO(packed), "files"))


def test_a_bit_that_was_flipped_is_seen() -> None:
    whole = written([entry(key) for key in "abc"])
    for place in range(10, len(whole)):  # before that is gzip's own head, of which most says nothing
        flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        with pytest.raises(IndexDamaged):
            list(Reading(io.BytesIO(flipped), "files"))


def test_every_key_has_a_place_of_its_own_that_s3_takes() -> None:
    places = {place_of("files", key) for key in ODD}
    assert len(places) == len(ODD)
    for place in places:
        assert place.startswith(f"{MIRRORED}files/")
        assert len(place.encode()) <= 1024
        assert not {".", ".."} & set(place.split("/"))
        assert place.isprintable()


def test_an_ordinary_key_is_its_own_place() -> None:
    assert place_of("files", "2026/11/report é.pdf") == f"{MIRRORED}files/2026/11/report é.pdf"


def test_what_was_deleted_and_written_again_is_copied_again() -> None:
    assert entry("a").is_of(listed("a"))
    assert not entry("a", deleted="2026-02-01T00:00:00+00:00").is_of(listed("a"))
    assert not entry("a").is_of(listed("a", etag="2"))
