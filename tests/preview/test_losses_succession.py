"""What guards a bucket and goes to another, is written over by a sibling, or is secret before and after."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import SECRET, UNGUARDED, UNKNOWN, Preview

LOCK = t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION
VERSIONS = t.S3_BUCKET_VERSIONING
BLOCK = t.S3_BUCKET_PUBLIC_ACCESS_BLOCK
POLICY = t.S3_BUCKET_POLICY
DENY = '{"Statement": [{"Effect": "Deny", "Sid": "NoBypass"}]}'
GUARD: dict[str, Any] = {
    "rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 30}},
    "versioningConfiguration": {"status": "Enabled"},
}
MOVED: dict[str, str] = {LOCK: "lock-shortened", VERSIONS: "versioning-suspended"}
MOVING: tuple[str, ...] = (
    LOCK,
    VERSIONS,
    BLOCK,
    POLICY,
    t.S3_BUCKET_LOGGING,
    t.S3_BUCKET_OWNERSHIP_CONTROLS,
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
)


def of(bucket: Any, **more: Any) -> dict[str, Any]:
    return {"bucket": bucket, **more}


def r2(seconds: int, kind: str) -> dict[str, Any]:
    condition = {"type": "Age", "maxAge" if kind == "lifecycle" else "maxAgeSeconds": seconds}
    rule = {"deleteObjectsTransition": {"condition": condition}} if kind == "lifecycle" else {"condition": condition}
    return {"bucketName": "b", "rules": [{"enabled": True, **rule}]}


@pytest.mark.parametrize("type_", MOVING)
@pytest.mark.parametrize("to", ["other", UNKNOWN])
def test_a_guard_that_goes_to_another_bucket_leaves_its_own_open(type_: str, to: str) -> None:
    for first in (True, False):
        preview = Preview().same(t.S3_BUCKET, "vault", of("vault"), id_="vault")
        preview.replace(type_, of("vault", **GUARD), of(to, **GUARD), keys=["bucket"], first=first, **UNGUARDED)
        assert preview.kinds == [MOVED.get(type_, "guard-removed")]
    assert Preview().replace(type_, of("vault", **GUARD), of(to, **GUARD), keys=["bucket"]).kinds == []  # retained


def test_the_guard_of_a_bucket_that_is_replaced_and_stays_is_missed_there() -> None:
    preview = Preview().replace(t.S3_BUCKET, of("a"), of("b"), "s3", keys=["bucket"], id_="a")
    assert preview.delete(BLOCK, "block", of("a")).kinds == ["replaced", "guard-removed"]


def test_a_bucket_of_another_provider_with_the_same_name_excuses_nothing() -> None:
    preview = Preview().delete(t.R2_BUCKET, "r2", {"name": "logs"}, id_="logs")
    assert preview.delete(BLOCK, "block", of("logs")).kinds == ["deleted", "guard-removed"]


@pytest.mark.parametrize(
    ("type_", "was", "becomes", "kinds"),
    [
        (t.R2_BUCKET_LIFECYCLE, r2(86_400, "lifecycle"), r2(86_400, "lifecycle"), []),
        (t.R2_BUCKET_LIFECYCLE, r2(86_400, "lifecycle"), r2(60, "lifecycle"), ["expiry-shortened"]),
        (t.R2_BUCKET_LOCK, r2(60, "lock"), r2(60, "lock"), []),
        (t.R2_BUCKET_LOCK, r2(60, "lock"), r2(59, "lock"), ["lock-shortened"]),
        (
            VERSIONS,
            of("b", **GUARD),
            of("b", versioningConfiguration={"status": "Suspended"}),
            ["versioning-suspended"],
        ),
        (LOCK, of("b", **GUARD), of("b"), ["lock-shortened", "lock-weakened"]),
        (POLICY, of("b", policy=DENY), of("b", policy="{}"), ["guard-weakened"]),
        (POLICY, of("b", policy=DENY), of("b", policy=DENY), []),
        (POLICY, of("b", policy=SECRET), of("b", policy=SECRET), ["guard-weakened"]),
        (POLICY, of("b", policy=DENY), of("another", policy="{}"), []),
        (
            t.S3_BUCKET_LOGGING,
            of("b", targetBucket="logs"),
            of("b", targetBucket="others"),
            ["guard-weakened"],
        ),
        (BLOCK, of("b", blockPublicAcls=True), of(UNKNOWN, blockPublicAcls=False), ["guard-weakened"]),
    ],
)
def test_what_is_written_over_is_compared_with_what_takes_its_place(
    type_: str, was: Any, becomes: Any, kinds: list[str]
) -> None:
    assert Preview().create(type_, "new", becomes).delete(type_, "old", was, retain=(True, False)).kinds == kinds


def nested(path: str) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: nested(rest) if rest else SECRET}


@pytest.mark.parametrize(
    ("type_", "path", "kind"),
    [
        (t.R2_BUCKET_LIFECYCLE, "rules", "expiry-shortened"),
        (t.S3_BUCKET_LIFECYCLE_CONFIGURATION, "rules", "expiry-shortened"),
        (LOCK, "rule.defaultRetention.days", "lock-shortened"),
        (t.R2_BUCKET_LOCK, "rules", "lock-shortened"),
        (VERSIONS, "versioningConfiguration.status", "versioning-suspended"),
        (t.QUEUE, "settings.messageRetentionPeriod", "retention-shortened"),
        (t.SQS_QUEUE, "messageRetentionSeconds", "retention-shortened"),
        (POLICY, "policy", "guard-weakened"),
        (BLOCK, "blockPublicAcls", "guard-weakened"),
        (t.S3_BUCKET_LOGGING, "targetBucket", "guard-weakened"),
        (t.S3_BUCKET_OWNERSHIP_CONTROLS, "rule.objectOwnership", "guard-weakened"),
        (t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION, "rules", "guard-weakened"),
        (t.KMS_KEY, "isEnabled", "key-disabled"),
        (t.KMS_KEY, "deletionWindowInDays", "key-window-shortened"),
        (t.KMS_KEY, "enableKeyRotation", "key-rotation-reduced"),
        (t.KMS_ALIAS, "targetKeyId", "key-alias-moved"),
        (t.R2_BUCKET, "jurisdiction", "replaced"),
    ],
)
def test_secrets_that_differ_are_not_taken_for_equal(type_: str, path: str, kind: str) -> None:
    secret = {"bucket": "b", "bucketName": "b", **nested(path)}
    assert Preview().update(type_, secret, secret, paths=[path]).kinds == [kind]
    assert Preview().update(type_, secret, secret, paths=[f"{path}[0].value"]).kinds == [kind]
    assert Preview().update(type_, secret, secret, paths=["tags"]).kinds == []


def test_what_was_secret_and_is_weak_now_counts_as_weaker() -> None:
    was, becomes = ({"versioningConfiguration": {"status": status}} for status in (SECRET, "Suspended"))
    assert Preview().update(VERSIONS, was, becomes).kinds == ["versioning-suspended"]
    assert Preview().update(BLOCK, {"blockPublicAcls": SECRET}, {"blockPublicAcls": False}).kinds == ["guard-weakened"]


def ends(days: int, plural: str = "") -> dict[str, Any]:
    rule = {"enabled": True, f"expiration{plural}": [{"days": days}] if plural else {"days": days}}
    return {"lifecycleRules": [rule]}


def encrypted(algorithm: str, key: str | None = None) -> dict[str, Any]:
    named = {"kmsMasterKeyId": key} if key else {}
    default = {"sseAlgorithm": algorithm, **named}
    return {"serverSideEncryptionConfiguration": {"rule": {"applyServerSideEncryptionByDefault": default}}}


def copied(status: str = "Enabled", to: str = "arn:aws:s3:::copy") -> dict[str, Any]:
    rule = {"id": "all", "status": status, "destination": {"bucket": to}}
    return {"replicationConfiguration": {"role": "arn:aws:iam::1:role/r", "rules": [rule]}}


def retention(days: int) -> dict[str, Any]:
    return {"objectLockConfiguration": {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": days}}}}


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        ({"versioning": {"enabled": True}}, {"versioning": {"enabled": False}}, ["versioning-suspended"]),
        ({"versioning": {"enabled": True}}, {}, ["versioning-suspended"]),
        ({"versionings": [{"enabled": True}]}, {"versionings": [{"enabled": False}]}, ["versioning-suspended"]),
        ({"versioning": {"enabled": True}}, {"versioning": {"enabled": True}, "tags": {"a": "b"}}, []),
        (ends(30), ends(3), ["expiry-shortened"]),
        (ends(30, "s"), ends(3, "s"), ["expiry-shortened"]),
        (ends(30), ends(31), []),
        (retention(30), retention(3), ["lock-shortened"]),
        (retention(3), retention(30), []),
        ({"policy": DENY}, {}, ["guard-weakened"]),
        ({"policy": DENY}, {"policy": "{}"}, ["guard-weakened"]),
        ({"policy": DENY}, {"policy": DENY}, []),
        (encrypted("aws:kms", "k"), {}, ["guard-weakened"]),
        (encrypted("aws:kms", "k"), encrypted("aws:kms"), ["guard-weakened"]),
        (encrypted("aws:kms"), encrypted("aws:kms", "k"), []),
        ({"logging": {"targetBucket": "logs"}}, {}, ["guard-weakened"]),
        ({"loggings": [{"targetBucket": "logs"}]}, {}, ["guard-weakened"]),
        ({"logging": {"targetBucket": "logs"}}, {"logging": {"targetBucket": "others"}}, ["guard-weakened"]),
        ({"logging": {"targetBucket": "logs"}}, {"logging": {"targetBucket": "logs", "targetPrefix": "a"}}, []),
        (copied(), {}, ["guard-removed"]),
        (copied(), copied("Disabled"), ["guard-removed"]),
        (copied(), copied(to="elsewhere"), ["guard-removed"]),
        (copied(), {"replicationConfiguration": UNKNOWN}, ["guard-removed"]),
        (copied(), {"replicationConfiguration": {**copied()["replicationConfiguration"], "role": "another"}}, []),
        (copied("Disabled"), {}, []),
    ],
)
def test_what_a_bucket_says_of_itself_does_not_become_weaker(was: Any, becomes: Any, kinds: list[str]) -> None:
    bucket = {"bucket": "vault"}
    shown = {"versioning": {"enabled": True}}  # by the provider, whoever set it
    assert Preview().update(t.S3_BUCKET, {**bucket, **was}, {**bucket, **becomes}, outputs=shown).kinds == kinds


@pytest.mark.parametrize(
    ("said", "type_", "stated"),
    [
        ({"policy": DENY}, POLICY, {"policy": DENY}),
        ({"versioning": {"enabled": True}}, VERSIONS, {"versioningConfiguration": {"status": "Enabled"}}),
        ({"logging": {"targetBucket": "logs"}}, t.S3_BUCKET_LOGGING, {"targetBucket": "logs"}),
        (retention(30), LOCK, {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}}),
    ],
)
def test_what_a_bucket_said_of_itself_may_be_said_beside_it(said: Any, type_: str, stated: Any) -> None:
    preview = Preview().update(t.S3_BUCKET, of("vault", **said), of("vault"), "vault")
    assert preview.create(type_, "beside", of("vault", **stated)).kinds == []
    elsewhere = Preview().update(t.S3_BUCKET, of("vault", **said), of("vault"), "vault")
    assert elsewhere.create(type_, "beside", of("other", **stated)).kinds != []


@pytest.mark.parametrize(("days", "kinds"), [(30, []), (31, []), (3, ["expiry-shortened"])])
def test_a_lifecycle_that_a_bucket_said_of_itself_may_be_said_beside_it(days: int, kinds: list[str]) -> None:
    beside = of("vault", rules=[{"status": "Enabled", "expiration": {"days": days}}])
    for preview in (
        Preview().update(t.S3_BUCKET, of("vault", **ends(30)), of("vault")),
        Preview().same(t.S3_BUCKET, "it", of("vault", **ends(30))),
    ):
        assert preview.create(t.S3_BUCKET_LIFECYCLE_CONFIGURATION, "beside", beside).kinds == kinds


def test_a_bucket_that_says_nothing_of_its_lifecycle_may_change_while_one_stands_beside_it() -> None:
    beside = of("vault", rules=[{"status": "Enabled", "expiration": {"days": 30}}])
    for shown in ({}, ends(30)):  # by the provider, whoever set it
        preview = Preview().update(t.S3_BUCKET, of("vault", tags={"a": "b"}), of("vault"), outputs=shown)
        assert preview.same(t.S3_BUCKET_LIFECYCLE_CONFIGURATION, "beside", beside).kinds == []


@pytest.mark.parametrize(("days", "kinds"), [(30, []), (3, ["expiry-shortened"])])
def test_a_lifecycle_that_stood_beside_a_bucket_may_be_said_by_itself(days: int, kinds: list[str]) -> None:
    beside = of("vault", rules=[{"status": "Enabled", "expiration": {"days": 30}}])
    preview = Preview().update(t.S3_BUCKET, of("vault"), of("vault", **ends(days)))
    assert preview.delete(t.S3_BUCKET_LIFECYCLE_CONFIGURATION, "beside", beside).kinds == kinds


@pytest.mark.parametrize("again", ["create", "refresh"])
@pytest.mark.parametrize(("letters", "kinds"), [({}, ["dead-letters-dropped"]), ({"deadLetterQueue": "d"}, [])])
def test_a_consumer_does_not_come_back_without_its_dead_letters(again: str, letters: Any, kinds: list[str]) -> None:
    was = {"accountId": "a", "queueId": "q", "scriptName": "s", "deadLetterQueue": "d"}
    becomes = {"accountId": "a", "queueId": "q", "scriptName": "s", **letters}
    if again == "create":
        preview = Preview().delete(t.QUEUE_CONSUMER, "old", was, retain=(True, False))
        preview.create(t.QUEUE_CONSUMER, "new", becomes)
        other = (
            Preview().delete(t.QUEUE_CONSUMER, "old", was).create(t.QUEUE_CONSUMER, "n", {**becomes, "queueId": "p"})
        )
        assert other.kinds == []
    else:
        preview = Preview().step("refresh", t.QUEUE_CONSUMER, was=was, becomes=was)
        preview.create(t.QUEUE_CONSUMER, inputs=becomes)
    assert preview.kinds == kinds


def test_a_guard_that_was_taken_away_by_hand_does_not_come_back_weaker() -> None:
    was, becomes = of("b", policy=DENY), of("b", policy="{}")
    preview = Preview().step("refresh", POLICY, was=was, becomes=was).create(POLICY, inputs=becomes)
    assert preview.kinds == ["guard-weakened"]
    preview = Preview().step("refresh", POLICY, was=was, becomes=was).create(POLICY, inputs=was)
    assert preview.kinds == []


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        ({"messageRetentionSeconds": 1_209_600}, {"messageRetentionSeconds": 60}, ["retention-shortened"]),
        ({"messageRetentionSeconds": 1_209_600}, {}, ["retention-shortened"]),
        ({"messageRetentionSeconds": 60}, {"messageRetentionSeconds": 61}, []),
        ({"redrivePolicy": "{...}"}, {}, ["dead-letters-dropped"]),
        ({"redrivePolicy": "{...}"}, {"redrivePolicy": "{....}"}, []),
    ],
)
def test_a_queue_of_amazon_keeps_its_messages(was: Any, becomes: Any, kinds: list[str]) -> None:
    assert Preview().update(t.SQS_QUEUE, {"name": "q", **was}, {"name": "q", **becomes}).kinds == kinds


def test_a_deprecated_token_is_the_same_resource() -> None:
    versions = "aws:s3/bucketVersioningV2:BucketVersioningV2"
    was, becomes = (of("b", versioningConfiguration={"status": status}) for status in ("Enabled", "Suspended"))
    assert Preview().update(versions, was, becomes).kinds == ["versioning-suspended"]
    assert Preview().delete("aws:s3/bucketV2:BucketV2", "vault", of("b")).kinds == ["deleted"]
    assert Preview().delete("aws:s3/bucketAclV2:BucketAclV2", "acl", of("b")).kinds == []


def test_what_is_only_read_from_now_on_is_protected_no_more() -> None:
    about: dict[str, Any] = {"was": {"name": "n"}, "becomes": {"name": "n"}}
    assert Preview().step("read", t.D1_DATABASE, protect=(True, False), **about).kinds == ["unprotected"]
    assert Preview().step("read", t.D1_DATABASE, **UNGUARDED, **about).kinds == []
    before = Preview().step("read", t.D1_DATABASE, protect=(True, False), **about)
    before.events[-1]["resourcePreEvent"]["metadata"]["old"]["external"] = True
    assert before.kinds == []


@pytest.mark.parametrize(
    ("type_", "ends_"),
    [
        (t.SNS_TOPIC_SUBSCRIPTION, ("topic", "endpoint")),
        (t.QUEUE_CONSUMER, ("queueId", "scriptName")),
        (t.LAMBDA_PERMISSION, ("function", "principal", "sourceArn")),
        (t.IAM_ROLE_POLICY_ATTACHMENT, ("role", "policyArn")),
        (t.DNS_RECORD, ("zoneId", "name")),
    ],
)
def test_a_connection_of_something_not_known_yet_is_another_one(type_: str, ends_: tuple[str, ...]) -> None:
    was = dict.fromkeys(ends_, "known")
    assert Preview().create(type_, "new", was).delete(type_, "old", was).kinds == ["renamed"]
    for end in ends_:
        assert Preview().create(type_, "new", {**was, end: UNKNOWN}).delete(type_, "old", was).kinds == []
