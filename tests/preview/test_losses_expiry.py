"""Expiry: nothing goes sooner than before, under any prefix, unless somebody has agreed to it."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import UNKNOWN, Preview

S3 = t.S3_BUCKET_LIFECYCLE_CONFIGURATION
R2 = t.R2_BUCKET_LIFECYCLE
DAY = 86_400


def s3(prefix: str = "daily/", days: Any = 30, **more: Any) -> dict[str, Any]:
    return {"id": prefix, "status": "Enabled", "filter": {"prefix": prefix}, "expiration": {"days": days}, **more}


def r2(prefix: str = "tmp/", days: Any = 30, **more: Any) -> dict[str, Any]:
    condition = {"type": "Age", "maxAge": days if days == UNKNOWN else days * DAY}
    transition = {"condition": condition}
    return {
        "id": prefix,
        "enabled": True,
        "conditions": {"prefix": prefix},
        "deleteObjectsTransition": transition,
        **more,
    }


def earlier(days: int, kept: int = 0) -> dict[str, Any]:
    ends = {"noncurrentDays": days, **({"newerNoncurrentVersions": kept} if kept else {})}
    return {"status": "Enabled", "filter": {"prefix": ""}, "noncurrentVersionExpiration": ends}


def tagged(days: int, *tags: str, **more: Any) -> dict[str, Any]:
    both = {"prefix": "", "tags": dict.fromkeys(tags or ("a",), "1"), **more}
    return {"status": "Enabled", "filter": {"and": both}, "expiration": {"days": days}}


def with_one_tag(days: int, value: str = "1") -> dict[str, Any]:
    return {"status": "Enabled", "filter": {"tag": {"key": "a", "value": value}}, "expiration": {"days": days}}


def on(date: str) -> dict[str, Any]:
    return {"status": "Enabled", "filter": {"prefix": "x/"}, "expiration": {"date": date}}


def ruled(type_: str, *rules: Any) -> dict[str, Any]:
    return {"bucketName" if type_ == R2 else "bucket": "vault", "rules": list(rules)}


SHORTER = [
    (S3, [s3()], [s3(days=29)]),
    (S3, [s3()], [s3(days=UNKNOWN)]),
    (S3, [], [s3()]),
    (S3, [s3()], [s3(), s3("weekly/")]),
    (S3, [s3("a/b/", 90)], [s3("a/", 30), s3("a/b/", 90)]),
    (S3, [s3(status="Disabled")], [s3()]),
    (S3, [s3()], [s3(""), s3()]),
    (S3, [s3(days=30)], [{"status": "Enabled", "prefix": "daily/", "expiration": {"days": 7}}]),
    (S3, [earlier(7)], [earlier(6)]),
    (S3, [earlier(7, kept=5)], [earlier(7, kept=4)]),
    (S3, [s3()], [s3(), earlier(7)]),
    (S3, [], [tagged(5)]),
    (S3, [tagged(5)], [tagged(4)]),
    (S3, [tagged(5)], [tagged(5), tagged(5, "b")]),
    (S3, [tagged(5)], [s3("", 5)]),
    (S3, [tagged(5, "a", "b")], [tagged(5)]),
    (S3, [tagged(5, objectSizeGreaterThan=9)], [tagged(5)]),
    (S3, [tagged(5)], [with_one_tag(5, "2")]),
    (S3, [tagged(5)], [with_one_tag(4)]),
    (S3, [on("2027-01-01")], [on("2026-12-31T00:00:00Z")]),
    (S3, [on("2027-01-01")], [on("some day")]),
    (S3, [s3()], [s3(days="a month")]),
    (R2, [r2()], [r2(days=29)]),
    (R2, [r2()], [r2(days=UNKNOWN)]),
    (R2, [], [r2()]),
    (R2, [r2(enabled=False)], [r2()]),
    (R2, [r2()], [r2("")]),
    (R2, [r2()], [r2(days=0)]),
    (R2, [], [r2(days=0)]),
    (R2, [r2()], [r2(deleteObjectsTransition={"condition": {"type": "Age"}})]),
    (R2, [], [r2(deleteObjectsTransition={"condition": {"type": "Age", "maxAge": None}})]),
    (S3, [tagged(5, objectSizeGreaterThan=9)], [tagged(5, objectSizeGreaterThan=8)]),
    (S3, [tagged(5, objectSizeLessThan=9)], [tagged(5, objectSizeLessThan=10)]),
    (S3, [tagged(5, objectSizeGreaterThan=9)], [tagged(5, objectSizeLessThan=9)]),
    (S3, [tagged(5, objectSizeGreaterThan=9)], [tagged(5, objectSizeGreaterThan=UNKNOWN)]),
]
KEPT = [
    (S3, [s3()], [s3()]),
    (S3, [s3()], [s3(days=31)]),
    (S3, [s3(), s3("weekly/")], [s3("weekly/"), s3()]),
    (S3, [s3()], []),
    (S3, [s3()], [s3(status="Disabled")]),
    (S3, [s3("")], [s3(""), s3("a/", 90)]),
    (S3, [s3()], [s3(id="another")]),
    (S3, [s3()], [s3(), {"status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}}]),
    (S3, [s3()], [s3(transitions=[{"days": 1, "storageClass": "GLACIER"}])]),
    (S3, [s3()], [{"status": "Enabled", "filter": {"and": {"prefix": "daily/"}}, "expiration": {"days": 30}}]),
    (S3, [earlier(7, kept=4)], [earlier(8, kept=5)]),
    (S3, [s3("", 5)], [tagged(5)]),
    (S3, [tagged(5)], [tagged(5, "a", "b")]),
    (S3, [tagged(5)], [tagged(5, objectSizeGreaterThan=9)]),
    (S3, [tagged(5, objectSizeGreaterThan=9)], [tagged(5, objectSizeGreaterThan=10)]),
    (S3, [tagged(5, objectSizeGreaterThan="9")], [tagged(5, objectSizeGreaterThan=10, objectSizeLessThan=99)]),
    (S3, [tagged(5, objectSizeLessThan=10)], [tagged(5, "a", "b", objectSizeLessThan=9)]),
    (S3, [tagged(5)], [tagged(5, objectSizeLessThan=9)]),
    (R2, [r2(days=0)], [r2(days=1)]),
    (S3, [tagged(5)], [with_one_tag(5)]),
    (S3, [with_one_tag(5)], [tagged(5)]),
    (S3, [on("2027-01-01")], [on("2027-01-02")]),
    (R2, [r2()], [r2(days=31)]),
    (R2, [r2()], [r2(), {"enabled": True, "abortMultipartUploadsTransition": {"condition": {"maxAge": 1}}}]),
    (R2, [r2()], []),
    (R2, [], [r2(deleteObjectsTransition=None)]),
    (R2, [], [r2(deleteObjectsTransition={})]),
]


@pytest.mark.parametrize(("type_", "was", "becomes"), SHORTER)
def test_what_goes_sooner_is_stopped(type_: str, was: list[Any], becomes: list[Any]) -> None:
    [loss] = Preview().update(type_, ruled(type_, *was), ruled(type_, *becomes)).losses
    assert loss.kind == "expiry-shortened"


@pytest.mark.parametrize(("type_", "was", "becomes"), KEPT)
def test_what_is_kept_as_long_as_before_passes(type_: str, was: list[Any], becomes: list[Any]) -> None:
    assert Preview().update(type_, ruled(type_, *was), ruled(type_, *becomes)).kinds == []


def test_it_says_what_goes_when_and_where() -> None:
    [loss] = Preview().update(S3, ruled(S3, s3()), ruled(S3, s3(days=7), s3("weekly/", 90))).losses
    assert "under 'daily/', after 7 days instead of after 30 days" in loss.lost
    assert "under 'weekly/', after 90 days instead of never" in loss.lost


@pytest.mark.parametrize("type_", [S3, R2])
@pytest.mark.parametrize("by_name", [True, False])
def test_on_a_bucket_that_is_made_by_the_same_up_anything_may_expire(type_: str, by_name: bool) -> None:
    bucket, key = (t.R2_BUCKET, "name") if type_ == R2 else (t.S3_BUCKET, "bucket")
    rule = r2() if type_ == R2 else s3()
    lifecycle = {**ruled(type_, rule), ("bucketName" if type_ == R2 else "bucket"): "new" if by_name else UNKNOWN}
    assert Preview().create(bucket, "bucket", {key: "new"}).create(type_, "lifecycle", lifecycle).kinds == []


@pytest.mark.parametrize(
    "other", [("create", t.S3_BUCKET, {"bucket": "vault"}), ("update", t.R2_BUCKET, {"name": UNKNOWN})]
)
def test_a_bucket_that_is_not_known_may_be_one_that_exists(other: tuple[str, str, Any]) -> None:
    op, type_, inputs = other
    preview = Preview().step(op, type_, "other", None if op == "create" else inputs, inputs)
    if op == "update":
        preview.create(t.R2_BUCKET, "new", {"name": "new"})
    preview.create(R2, "lifecycle", {**ruled(R2, r2()), "bucketName": UNKNOWN})
    assert preview.kinds == ["expiry-shortened"]


@pytest.mark.parametrize("op", ["update", "import"])
def test_a_bucket_that_keeps_a_known_name_is_not_the_one_that_is_not_known(op: str) -> None:
    was = None if op == "import" else {"bucket": "vault"}
    preview = Preview().step(op, t.S3_BUCKET, "vault", was, {"bucket": "vault", "tags": {"owner": "us"}})
    preview.create(t.S3_BUCKET, "new", {"bucket": "new"})
    assert preview.create(S3, "lifecycle", {**ruled(S3, s3()), "bucket": UNKNOWN}).kinds == []


def test_what_guarded_a_bucket_that_is_changed_is_not_taken_for_a_new_one_s() -> None:
    was, becomes = {**ruled(S3, s3()), "bucket": "vault"}, {**ruled(S3, s3()), "bucket": UNKNOWN}
    preview = Preview().update(t.S3_BUCKET, {"bucket": "vault"}, {"bucket": "vault", "tags": {"a": "b"}}, "vault")
    preview.create(t.S3_BUCKET, "new", {"bucket": "new"})
    assert "expiry-shortened" in preview.replace(S3, was, becomes, "lifecycle", keys=["bucket"]).kinds


@pytest.mark.parametrize(("type_", "rule"), [(S3, s3()), (R2, r2())])
def test_what_is_imported_with_another_life_is_updated_afterwards(type_: str, rule: Any) -> None:
    """As seen with the engine (3.250): two steps of one resource."""
    preview = Preview().step("import", type_, "lifecycle", None, {})
    assert preview.update(type_, {}, ruled(type_, rule), "lifecycle").kinds == ["expiry-shortened"]


@pytest.mark.parametrize(("type_", "rule"), [(S3, s3()), (R2, r2())])
def test_an_import_changes_nothing_in_a_cloud(type_: str, rule: Any) -> None:
    assert Preview().step("import", type_, "lifecycle", None, ruled(type_, rule)).kinds == []


@pytest.mark.parametrize(("type_", "rule"), [(S3, s3()), (R2, r2())])
def test_a_first_lifecycle_of_a_bucket_that_exists_is_stopped(type_: str, rule: Any) -> None:
    bucket = (t.R2_BUCKET, {"name": "vault"}) if type_ == R2 else (t.S3_BUCKET, {"bucket": "vault"})
    preview = Preview().same(bucket[0], "bucket", bucket[1]).create(type_, "lifecycle", ruled(type_, rule))
    assert preview.kinds == ["expiry-shortened"]


def test_a_lifecycle_that_moves_to_another_bucket_is_that_bucket_s_first() -> None:
    was, becomes = ruled(R2, r2()), {**ruled(R2, r2()), "bucketName": "another"}
    assert Preview().replace(R2, was, becomes, keys=["bucketName"]).kinds == ["expiry-shortened"]


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        ({"messageRetentionPeriod": 1_209_600}, {"messageRetentionPeriod": 345_600}, ["retention-shortened"]),
        ({"messageRetentionPeriod": 1_209_600}, {}, ["retention-shortened"]),
        ({}, {"messageRetentionPeriod": 60}, ["retention-shortened"]),
        ({"messageRetentionPeriod": 60}, {"messageRetentionPeriod": UNKNOWN}, ["retention-shortened"]),
        ({"messageRetentionPeriod": 60}, {}, []),
        ({"messageRetentionPeriod": 60}, {"messageRetentionPeriod": 61}, []),
        ({"deliveryDelay": 1}, {"deliveryDelay": 2}, []),
    ],
)
def test_a_queue_keeps_its_messages_as_long_as_before(was: Any, becomes: Any, kinds: list[str]) -> None:
    queue = {"queueName": "events"}
    assert Preview().update(t.QUEUE, {**queue, "settings": was}, {**queue, "settings": becomes}).kinds == kinds


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        ({"retentionInDays": 365}, {"retentionInDays": 30}, ["retention-shortened"]),
        ({"retentionInDays": 0}, {"retentionInDays": 3653}, ["retention-shortened"]),
        ({}, {"retentionInDays": 30}, ["retention-shortened"]),
        ({"retentionInDays": 365}, {"retentionInDays": UNKNOWN}, ["retention-shortened"]),
        ({"retentionInDays": 365}, {}, []),
        ({"retentionInDays": 365}, {"retentionInDays": 0}, []),
        ({"retentionInDays": 30}, {"retentionInDays": 365}, []),
        ({"tags": {"a": "b"}}, {}, []),
    ],
)
def test_a_log_group_keeps_its_lines_as_long_as_before(was: Any, becomes: Any, kinds: list[str]) -> None:
    group = {"name": "jobs"}
    assert Preview().update(t.CLOUDWATCH_LOG_GROUP, {**group, **was}, {**group, **becomes}).kinds == kinds


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        ({"deadLetterQueue": "failed"}, {}, ["dead-letters-dropped"]),
        ({"deadLetterQueue": "failed"}, {"deadLetterQueue": ""}, ["dead-letters-dropped"]),
        ({"deadLetterQueue": "failed"}, {"deadLetterQueue": UNKNOWN}, []),
        ({}, {"deadLetterQueue": "failed"}, []),
    ],
)
def test_failed_messages_are_still_kept(was: Any, becomes: Any, kinds: list[str]) -> None:
    assert Preview().update(t.QUEUE_CONSUMER, {"queueId": "q", **was}, {"queueId": "q", **becomes}).kinds == kinds


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        (t.LAMBDA_FUNCTION, "deadLetterConfig"),
        (t.SCHEDULER_SCHEDULE, "target"),
        (t.SNS_TOPIC_SUBSCRIPTION, "redrivePolicy"),
    ],
)
def test_what_amazon_could_not_deliver_is_still_kept(type_: str, path: str) -> None:
    kept: dict[str, Any] = {"deadLetterConfig": {"arn": "q"}} if path == "target" else {"arn": "q"}
    inputs = {"name": "n", path: kept}
    for becomes in ({"name": "n"}, {"name": "n", path: None}):
        assert Preview().update(type_, inputs, becomes).kinds == ["dead-letters-dropped"]
    assert Preview().update(type_, inputs, {**inputs, "description": "d"}).kinds == []
