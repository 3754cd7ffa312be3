"""Where twins lie: written as a whole, only when something has changed, and read only when they are whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.twin.state import Twin, redact
from bulkhead.twin.store import Bucket, Folder, TwinPlace, fetch, key_of, publish, split_s3

if TYPE_CHECKING:
    from tests.support.s3 import InProcessS3

ABOUT = {"commit": "c0ffee", "engine": "3.250.0"}
URN = "urn:pulumi:staging::toys::toy:index:Thing::thing"
KEY = key_of("toys", "staging")


def twin(size: int = 1) -> Twin:
    thing = {"urn": URN, "type": "toy:index:Thing", "inputs": {"size": size}}
    return redact({"version": 3, "deployment": {"resources": [thing]}}, "toys", "staging")


def holds(place: TwinPlace) -> dict[str, Any]:
    data = place.read(KEY)
    assert data is not None
    document: dict[str, Any] = json.loads(data)
    return document


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "public")


def check_a_place(place: TwinPlace) -> None:
    with pytest.raises(Refused, match="does not exist"):
        fetch(place, "toys", "staging")
    assert publish(twin(), place, ABOUT, now="today")
    read, about = fetch(place, "toys", "staging")
    assert read.body() == twin().body()
    assert about == {"published": "today", **ABOUT}


def test_a_folder_gives_back_what_was_published(folder: Folder) -> None:
    check_a_place(folder)
    assert [path.name for path in folder.path.rglob("*") if path.is_file()] == ["staging.json"]


def test_a_bucket_gives_back_what_was_published_and_needs_no_key_to_be_read(local_s3: InProcessS3) -> None:
    client = local_s3.emptied()
    local_s3.bucket("twins-of-ours")
    check_a_place(Bucket(client, "twins-of-ours", "", "123456789012"))
    check_a_place(Bucket(client, "twins-of-ours", "deep/prefix"))
    head = client.head_object(Bucket="twins-of-ours", Key="deep/prefix/twins/toys/staging.json")
    assert head["ServerSideEncryption"] == "AES256"


def test_every_request_names_the_account_that_the_bucket_has_to_belong_to(local_s3: InProcessS3) -> None:
    client = local_s3.emptied()
    local_s3.bucket("twins-of-ours")
    owners: list[str] = []

    def note(request: Any, **_: Any) -> None:
        owners.append(request.headers["x-amz-expected-bucket-owner"].decode())

    client.meta.events.register_first("before-send.s3", note)  # S3 itself refuses others; the local one does not
    try:
        publish(twin(), Bucket(client, "twins-of-ours", "", "444455556666"), ABOUT, now="today")
    finally:
        client.meta.events.unregister("before-send.s3", note)
    assert owners == ["444455556666", "444455556666"]


def test_nothing_is_written_when_only_the_time_has_changed(folder: Folder) -> None:
    publish(twin(), folder, ABOUT, now="today")
    assert not publish(twin(), folder, ABOUT, now="tomorrow")
    assert holds(folder)["about"]["published"] == "today"


@pytest.mark.parametrize("changed", [(twin(2), ABOUT), (twin(), {**ABOUT, "commit": "decade"})], ids=["twin", "commit"])
def test_a_change_is_published(folder: Folder, changed: tuple[Twin, dict[str, str]]) -> None:
    publish(twin(), folder, ABOUT, now="today")
    assert publish(changed[0], folder, changed[1], now="tomorrow")
    assert holds(folder)["about"] == {"published": "tomorrow", **changed[1]}
    assert holds(folder)["digest"] == changed[0].digest()


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"format": 7}'])
def test_rubbish_is_written_over(folder: Folder, rubbish: bytes) -> None:
    folder.write(KEY, rubbish)
    assert publish(twin(), folder, ABOUT, now="today")
    assert fetch(folder, "toys", "staging")


SPOILT: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another format": (lambda document: document.update(format=2), "no twin of format 1"),
    "no twin": (lambda document: document.pop("twin"), "no twin of format 1"),
    "changed since": (
        lambda document: document["twin"]["deployment"]["resources"][0]["inputs"].update(size=9),
        "was changed after it was published",
    ),
    "another stack's": (
        lambda document: document["twin"]["deployment"]["resources"][0].update(
            urn=URN.replace("staging", "production")
        ),
        "urn:pulumi:production::",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), SPOILT.values(), ids=SPOILT)
def test_what_is_not_whole_is_refused(folder: Folder, spoil: Callable[[dict[str, Any]], object], said: str) -> None:
    publish(twin(), folder, ABOUT, now="today")
    document = holds(folder)
    spoil(document)
    folder.write(KEY, json.dumps(document).encode())
    with pytest.raises(Refused) as refused:
        fetch(folder, "toys", "staging")
    assert said in str(refused.value)


def test_a_write_that_fails_leaves_the_former_twin_and_nothing_else(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(twin(), folder, ABOUT, now="today")

    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("bulkhead.twin.store.os.replace", full)
    with pytest.raises(OSError, match="disk full"):
        publish(twin(2), folder, ABOUT, now="tomorrow")
    assert holds(folder)["digest"] == twin().digest()
    assert len([path for path in folder.path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket/a/b/", ("bucket", "a/b")),
        ("./folder", None),
        ("/folder", None),
    ],
)
def test_a_place_is_a_bucket_or_a_folder(place: str, found: tuple[str, str] | None) -> None:
    assert split_s3(place) == found


def test_a_bucket_has_a_name() -> None:
    with pytest.raises(Refused, match="names no bucket"):
        split_s3("s3:///prefix")


def test_the_same_twin_has_the_same_digest_whatever_was_counted() -> None:
    assert replace(twin(), redacted={"x": 1}).digest() == twin().digest()
    assert twin(2).digest() != twin().digest()
