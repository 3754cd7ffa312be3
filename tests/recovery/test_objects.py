"""Objects come back out of the mirror: what is missing, by choice what is another one, and nothing is deleted."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.recovery.objects import Mirror, Plan, accept
from jobs.r2.copies import PART
from jobs.r2.index import index_key
from tests.support.mirrored import NAME, SOURCE, VAULT, Mirrored, Watched, refused
from tests.support.s3 import InProcessS3

ZONE = "Asia/Tokyo"


@pytest.fixture
def mirrored(local_s3: InProcessS3) -> Mirrored:
    client = local_s3.emptied()
    made = Mirrored(client, client)
    made.prepare()
    return made


def restore(mirrored: Mirrored, at: datetime | None = None, **wanted: Any) -> tuple[Plan, Any]:
    mirror = Mirror(mirrored.sides, ZONE, **wanted)
    plan = mirror.plan(at)
    return plan, mirror.restore(plan)


def there(mirrored: Mirrored) -> dict[str, bytes]:
    found = mirrored.s3.list_objects_v2(Bucket=SOURCE).get("Contents", ())
    return {one["Key"]: mirrored.s3.get_object(Bucket=SOURCE, Key=one["Key"])["Body"].read() for one in found}


def test_what_is_missing_comes_back_as_it_was(mirrored: Mirrored) -> None:
    large = b"x" * (PART + 1)
    mirrored.put("a.pdf", b"%PDF", ContentType="application/pdf", CacheControl="no-store", Metadata={"by": "me"})
    mirrored.put("large", large)
    mirrored.put("stays")
    mirrored.run()
    before = datetime.now(UTC)
    time.sleep(1.1)  # S3 tells the second in which a version was stored
    mirrored.delete("a.pdf", "large")
    mirrored.run()  # the deletions are in the vault, too: an older mirror has the objects
    assert restore(mirrored)[0].missing == 0
    plan, done = restore(mirrored, before)
    assert (plan.missing, plan.same, plan.bytes) == (2, 1, 4 + len(large))
    assert (done.written, done.replaced, done.failed) == (2, 0, {})
    assert there(mirrored) == {"a.pdf": b"%PDF", "large": large, "stays": b"1"}
    found = mirrored.s3.get_object(Bucket=SOURCE, Key="a.pdf")
    assert (found["ContentType"], found["CacheControl"], found["Metadata"]) == (
        "application/pdf",
        "no-store",
        {"by": "me"},
    )
    assert plan.taken <= before


def test_what_is_another_one_by_now_stays_unless_it_is_to_be_replaced(mirrored: Mirrored) -> None:
    for key in "ab":
        mirrored.put(key, b"old")
    mirrored.run()
    mirrored.put("a", b"new")
    mirrored.put("c", b"never mirrored")
    plan, done = restore(mirrored)
    assert (plan.missing, plan.others, plan.unmirrored, done.written) == (0, 1, 1, 0)
    assert "1 are other ones by now and stay" in plan.told(ZONE, overwrite=False)[0]
    assert there(mirrored)["a"] == b"new"
    plan, done = restore(mirrored, overwrite=True)
    assert "nothing else has them" in "\n".join(plan.told(ZONE, overwrite=True))
    assert (done.written, done.replaced) == (0, 1)
    assert there(mirrored) == {"a": b"old", "b": b"old", "c": b"never mirrored"}


def test_only_what_was_asked_for_comes_back(mirrored: Mirrored) -> None:
    for key in ("2025/a", "2026/a", "2026/b"):
        mirrored.put(key)
    mirrored.run()
    mirrored.delete("2025/a", "2026/a", "2026/b")
    assert restore(mirrored, prefix="2026/")[1].written == 2
    assert set(there(mirrored)) == {"2026/a", "2026/b"}


def test_a_copy_that_was_changed_in_the_vault_is_never_written(mirrored: Mirrored) -> None:
    mirrored.put("a", b"old")
    mirrored.put("b", b"old")
    mirrored.run()
    mirrored.delete("a", "b")
    client, place = mirrored.s3, mirrored.index()["a"].place

    class Changing(Watched):
        def get_object(self, **given: Any) -> Any:
            answer = client.get_object(**given)
            if given["Key"] == place:
                answer["Body"]._raw_stream.read()
                answer |= client.get_object(Bucket=VAULT, Key=mirrored_b)
            return answer

    mirrored_b = mirrored.index()["b"].place
    client.put_object(Bucket=VAULT, Key=mirrored_b, Body=b"bad")
    mirrored.s3 = Changing(client)
    done = restore(mirrored)[1]
    assert done.written == 1
    assert "another hash" in done.failed["a"]
    mirrored.s3 = client
    assert set(there(mirrored)) == {"b"}


def test_one_object_that_fails_keeps_no_other_from_coming_back(mirrored: Mirrored) -> None:
    for key in "abc":
        mirrored.put(key)
    mirrored.run()
    mirrored.delete(*"abc")

    def refuse(name: str, given: dict[str, Any]) -> None:
        if name == "put_object" and given["Key"] == "b":
            raise refused("ObjectLockedByBucketPolicy", 409, "PutObject")

    mirrored.r2 = Watched(mirrored.s3, refuse)
    done = restore(mirrored)[1]
    assert (done.written, list(done.failed)) == (2, ["b"])
    mirrored.r2 = mirrored.s3
    assert restore(mirrored)[1].written == 1, "the second time writes what is still missing"


def test_a_bucket_that_was_never_mirrored_says_so(mirrored: Mirrored) -> None:
    with pytest.raises(Refused, match="Nothing was restored") as said:
        restore(mirrored)
    assert "was never mirrored" in str(said.value.faults[0])


def test_a_time_before_the_first_mirror_is_refused(mirrored: Mirrored) -> None:
    mirrored.run()
    with pytest.raises(Refused) as said:
        restore(mirrored, datetime.now(UTC) - timedelta(days=1))
    assert "before the first mirror that is kept" in str(said.value.faults[0])
    assert "JST" in str(said.value.faults[0])


def test_a_damaged_index_is_refused_in_words(mirrored: Mirrored) -> None:
    mirrored.run()
    mirrored.s3.put_object(Bucket=VAULT, Key=index_key(NAME), Body=b"nonsense", Metadata={"taken": "2026-01-01"})
    with pytest.raises(Refused) as said:
        restore(mirrored)
    assert "an earlier time" in said.value.faults[0].fix


def test_deletions_that_were_meant_are_marked_by_the_next_mirror(mirrored: Mirrored) -> None:
    for number in range(101):
        mirrored.put(f"{number:03}")
    mirrored.run()
    mirrored.delete(*(f"{number:03}" for number in range(101)))
    accept(mirrored.sides, 101)
    assert mirrored.run()["deleted"] == 101
