"""Locks, versions, keys, and what guards a bucket: none of it becomes weaker unnoticed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import SECRET, UNGUARDED, UNKNOWN, Preview

ONE_PER_BUCKET: tuple[str, ...] = (
    t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK,
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION,
    t.S3_BUCKET_LOGGING,
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION,
    t.S3_BUCKET_OWNERSHIP_CONTROLS,
    t.S3_BUCKET_POLICY,
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK,
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
    t.S3_BUCKET_VERSIONING,
)
LOCK = t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION
R2_LOCK = t.R2_BUCKET_LOCK
VERSIONS = t.S3_BUCKET_VERSIONING
KEY = t.KMS_KEY
BLOCK = t.S3_BUCKET_PUBLIC_ACCESS_BLOCK
CRYPT = t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION
OWNER = t.S3_BUCKET_OWNERSHIP_CONTROLS
POLICY = t.S3_BUCKET_POLICY
LOGS = t.S3_BUCKET_LOGGING
ON = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
DENY = {"Sid": "NoBypass", "Effect": "Deny", "Principal": "*", "Action": "s3:BypassGovernanceRetention"}
ALLOW = {"Sid": "Log", "Effect": "Allow", "Action": "s3:PutObject"}


def lock(mode: str = "GOVERNANCE", **lasts: Any) -> dict[str, Any]:
    return {"rule": {"defaultRetention": {"mode": mode, **(lasts or {"days": 30})}}}


def held(*rules: Any) -> dict[str, Any]:
    return {"rules": [{"id": str(n), "enabled": True, **rule} for n, rule in enumerate(rules)]}


def age(seconds: Any, prefix: str = "") -> dict[str, Any]:
    return {"prefix": prefix, "condition": {"type": "Age", "maxAgeSeconds": seconds}}


def until(date: str) -> dict[str, Any]:
    return {"prefix": "", "condition": {"type": "Date", "date": date}}


INDEFINITE = {"prefix": "", "condition": {"type": "Indefinite"}}


def versions(status: Any = "Enabled", **more: Any) -> dict[str, Any]:
    return {"versioningConfiguration": {"status": status, **more}}


def crypt(algorithm: Any, key: str | None = None) -> dict[str, Any]:
    named = {} if key is None else {"kmsMasterKeyId": key}
    return {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm, **named}}]}


def owner(ownership: Any) -> dict[str, Any]:
    return {"rule": {"objectOwnership": ownership}}


def policy(*statements: Any) -> dict[str, Any]:
    return {"policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})}


def unless(*values: Any) -> dict[str, Any]:
    return {**DENY, "Condition": {"StringEquals": {"aws:PrincipalTag/role": list(values)}}}


def below_tls(version: str) -> dict[str, Any]:
    return {**DENY, "Condition": {"NumericLessThan": {"s3:TlsVersion": version}}}


def at_most(version: str) -> dict[str, Any]:
    return {**DENY, "Condition": {"NumericLessThanEquals": {"s3:TlsVersion": version}}}


def when(operator: str, key: str, *values: Any) -> dict[str, Any]:
    return {**DENY, "Condition": {operator: {key: list(values)}}}


ROLE = "arn:aws:iam::111111111111:role/"
WHO, FROM, NOW = "aws:PrincipalArn", "aws:SourceIp", "aws:CurrentTime"
NOT_OURS = {**DENY, "Condition": {"StringNotEquals": {"aws:SourceVpce": ["a", "b"]}}}
OURS = {"StringNotEquals": {"aws:SourceVpce": ["a", "b", "c"]}}


def except_for(*people: str) -> dict[str, Any]:
    return {"Effect": "Deny", "NotPrincipal": {"AWS": list(people)}, "Action": "s3:*"}


WEAKER = [
    (LOCK, lock(), lock(days=29), "lock-shortened"),
    (LOCK, lock(years=1), lock(days=364), "lock-shortened"),
    (LOCK, lock(), {}, "lock-shortened"),
    (LOCK, lock(), lock(days=UNKNOWN), "lock-shortened"),
    (LOCK, lock("COMPLIANCE"), lock(), "lock-weakened"),
    (R2_LOCK, held(age(60)), held(age(59)), "lock-shortened"),
    (R2_LOCK, held(age(60)), held(), "lock-shortened"),
    (R2_LOCK, held(age(60)), held({**age(60), "enabled": False}), "lock-shortened"),
    (R2_LOCK, held(age(60)), held(age(60, "a/")), "lock-shortened"),
    (R2_LOCK, held(age(60)), held(age(UNKNOWN)), "lock-shortened"),
    (R2_LOCK, held(INDEFINITE), held(age(10**9)), "lock-shortened"),
    (R2_LOCK, held(until("2027-01-01")), held(until("2026-12-31")), "lock-shortened"),
    (VERSIONS, versions(), versions("Suspended"), "versioning-suspended"),
    (VERSIONS, versions(), versions("Disabled"), "versioning-suspended"),
    (VERSIONS, versions(), versions(UNKNOWN), "versioning-suspended"),
    (VERSIONS, versions(), {}, "versioning-suspended"),
    (VERSIONS, versions(mfaDelete="Enabled"), versions(), "lock-weakened"),
    (t.SNS_TOPIC, {"kmsMasterKeyId": "alias/a"}, {}, "key-dropped"),
    (t.SNS_TOPIC, {"kmsMasterKeyId": "alias/a"}, {"kmsMasterKeyId": ""}, "key-dropped"),
    (t.SSM_PARAMETER, {"type": "SecureString"}, {"type": "String"}, "key-dropped"),
    (KEY, {"isEnabled": True}, {"isEnabled": False}, "key-disabled"),
    (KEY, {}, {"isEnabled": False}, "key-disabled"),
    (KEY, {"isEnabled": True}, {"isEnabled": UNKNOWN}, "key-disabled"),
    (KEY, {"deletionWindowInDays": 30}, {"deletionWindowInDays": 7}, "key-window-shortened"),
    (KEY, {}, {"deletionWindowInDays": 29}, "key-window-shortened"),
    (KEY, {"deletionWindowInDays": 30}, {"deletionWindowInDays": UNKNOWN}, "key-window-shortened"),
    (KEY, {"enableKeyRotation": True}, {"enableKeyRotation": False}, "key-rotation-reduced"),
    (KEY, {"enableKeyRotation": True}, {}, "key-rotation-reduced"),
    (
        KEY,
        {"enableKeyRotation": True, "rotationPeriodInDays": 90},
        {"enableKeyRotation": True, "rotationPeriodInDays": 91},
        "key-rotation-reduced",
    ),
    (KEY, {"enableKeyRotation": True, "rotationPeriodInDays": 90}, {"enableKeyRotation": True}, "key-rotation-reduced"),
    (t.KMS_REPLICA_KEY, {"enabled": True}, {"enabled": False}, "key-disabled"),
    (t.KMS_ALIAS, {"targetKeyId": "a"}, {"targetKeyId": "b"}, "key-alias-moved"),
    (t.KMS_ALIAS, {"targetKeyId": "a"}, {"targetKeyId": UNKNOWN}, "key-alias-moved"),
    *((BLOCK, ON, {**ON, flag: False}, "guard-weakened") for flag in ON),
    (BLOCK, ON, {**ON, "blockPublicAcls": UNKNOWN}, "guard-weakened"),
    (t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, ON, {**ON, "blockPublicAcls": False}, "guard-weakened"),
    (CRYPT, crypt("aws:kms"), crypt("AES256"), "guard-weakened"),
    (CRYPT, crypt("aws:kms"), crypt(UNKNOWN), "guard-weakened"),
    (CRYPT, crypt("AES256"), {"rules": []}, "guard-weakened"),
    (OWNER, owner("BucketOwnerEnforced"), owner("ObjectWriter"), "guard-weakened"),
    (OWNER, owner("BucketOwnerEnforced"), owner(UNKNOWN), "guard-weakened"),
    (LOGS, {"targetBucket": "logs"}, {"targetBucket": "others"}, "guard-weakened"),
    (LOGS, {"targetBucket": "logs"}, {"targetBucket": UNKNOWN}, "guard-weakened"),
    (POLICY, policy(DENY, ALLOW), policy(ALLOW), "guard-weakened"),
    (POLICY, policy(DENY), policy({**DENY, "Condition": {"Bool": {"a": "b"}}}), "guard-weakened"),
    (POLICY, policy(DENY), {"policy": UNKNOWN}, "guard-weakened"),
    (POLICY, {"policy": SECRET}, policy(DENY), "guard-weakened"),
    (POLICY, policy({**DENY, "Action": ["s3:a", "s3:b"]}), policy({**DENY, "Action": "s3:a"}), "guard-weakened"),
    (POLICY, policy(DENY), policy({**DENY, "Principal": {"AWS": "me"}}), "guard-weakened"),
    (POLICY, policy(DENY), policy({**DENY, "Effect": "Allow"}), "guard-weakened"),
    (POLICY, policy(unless("a", "b")), policy(unless("a")), "guard-weakened"),
    (POLICY, policy(except_for("me")), policy(except_for("me", "you")), "guard-weakened"),
    (POLICY, policy(DENY), policy({**DENY, "Condition": {"Bool": {"a": []}}}), "guard-weakened"),
    (POLICY, policy({**DENY, "Action": "s3:Put*"}), policy({**DENY, "Action": "s3:PutObject"}), "guard-weakened"),
    (POLICY, policy({**DENY, "Action": "s3:*"}), policy({**DENY, "NotAction": "s3:Get*"}), "guard-weakened"),
    (POLICY, policy(NOT_OURS), policy({**NOT_OURS, "Condition": OURS}), "guard-weakened"),
    (POLICY, policy(below_tls("1.2")), policy(below_tls("1.1")), "guard-weakened"),
    (POLICY, policy(unless("a")), policy({**unless("a"), "Condition": {"StringEquals": {"k": "a"}}}), "guard-weakened"),
    (
        POLICY,
        policy(when("StringNotLike", WHO, f"{ROLE}a")),
        policy(when("ArnNotLike", WHO, f"{ROLE}*")),
        "guard-weakened",
    ),
    (
        POLICY,
        policy(when("StringLike", WHO, f"{ROLE}*")),
        policy(when("StringEquals", WHO, f"{ROLE}*")),
        "guard-weakened",
    ),
    (
        POLICY,
        policy(when("StringLike", WHO, f"{ROLE}*")),
        policy(when("StringLike", WHO, f"{ROLE}a")),
        "guard-weakened",
    ),
    (
        POLICY,
        policy(when("NotIpAddress", FROM, "10.1.0.0/16")),
        policy(when("NotIpAddress", FROM, "10.0.0.0/8")),
        "guard-weakened",
    ),
    (POLICY, policy(when("IpAddress", FROM, "10.0.0.0/8")), policy(when("IpAddress", FROM, "::/0")), "guard-weakened"),
    (
        POLICY,
        policy(when("DateLessThan", NOW, "2030-01-01T00:00:00Z")),
        policy(when("DateLessThan", NOW, "2029-01-01T00:00:00Z")),
        "guard-weakened",
    ),
    (POLICY, policy(when("BoolIfExists", "a", "b")), policy(when("Bool", "a", "b")), "guard-weakened"),
    (POLICY, policy(unless("a", "b")), policy(unless("a"), {**unless("b"), "Action": "s3:x"}), "guard-weakened"),
    (POLICY, policy(unless("a", "b")), policy(unless("a"), unless("c")), "guard-weakened"),
    (POLICY, policy(when("StringNotEquals", "k", "a", "b")), policy(unless("a"), unless("b")), "guard-weakened"),
    (POLICY, policy(at_most("1.2")), policy(below_tls("1.2")), "guard-weakened"),
    (POLICY, policy(at_most("1.2")), policy(at_most("1.1")), "guard-weakened"),
    (
        POLICY,
        policy(when("ForAllValues:StringEquals", "k", "a", "b")),
        policy(when("ForAllValues:StringEquals", "k", "a"), when("ForAllValues:StringEquals", "k", "b")),
        "guard-weakened",
    ),
    *((type_, policy(DENY, ALLOW), policy(ALLOW), "guard-weakened") for type_ in (KEY, t.KMS_KEY_POLICY)),
    (KEY, policy(DENY), {"policy": UNKNOWN}, "guard-weakened"),
    (CRYPT, crypt("aws:kms", "arn:key"), crypt("aws:kms"), "guard-weakened"),
    (CRYPT, crypt("aws:kms", "arn:key"), crypt("aws:kms", ""), "guard-weakened"),
    (CRYPT, crypt("aws:kms:dsse", "arn:key"), crypt("aws:kms:dsse"), "guard-weakened"),
]
AS_GOOD = [
    (LOCK, lock(), lock(days=31)),
    (LOCK, lock(days=365), lock(years=1)),
    (LOCK, lock(), lock("COMPLIANCE")),
    (LOCK, {}, lock()),
    (R2_LOCK, held(age(60)), held(age(61))),
    (R2_LOCK, held(age(60, "a/")), held(age(60))),
    (R2_LOCK, held(age(60)), held(INDEFINITE)),
    (R2_LOCK, held(age(60, "a/"), age(30, "b/")), held(age(30, "b/"), age(60, "a/"))),
    (VERSIONS, versions("Suspended"), versions()),
    (VERSIONS, versions("Disabled"), versions("Suspended")),
    (KEY, {"deletionWindowInDays": 7}, {}),
    (KEY, {"description": "a"}, {"description": "b"}),
    (KEY, {"enableKeyRotation": False}, {"enableKeyRotation": True}),
    (KEY, {"enableKeyRotation": True}, {"enableKeyRotation": True, "rotationPeriodInDays": 90}),
    (KEY, {"isEnabled": False}, {"isEnabled": True}),
    (t.KMS_ALIAS, {"targetKeyId": "a", "name": "x"}, {"targetKeyId": "a", "name": "y"}),
    (BLOCK, {**ON, "blockPublicAcls": False}, ON),
    (CRYPT, crypt("AES256"), crypt("aws:kms")),
    (OWNER, owner("ObjectWriter"), owner("BucketOwnerEnforced")),
    (LOGS, {"targetBucket": "logs", "targetPrefix": "a/"}, {"targetBucket": "logs", "targetPrefix": "b/"}),
    (POLICY, policy(DENY), policy(ALLOW, DENY)),
    (POLICY, policy(DENY, ALLOW), policy(DENY)),
    (POLICY, policy(DENY), policy({**DENY, "Sid": "NobodyBypasses"})),
    (POLICY, policy(DENY), policy({**DENY, "Principal": {"AWS": ["*"]}})),
    (POLICY, policy({**DENY, "Action": ["s3:a", "s3:b"]}), policy({**DENY, "Action": ["s3:b", "s3:a"]})),
    (POLICY, policy({**DENY, "Action": "s3:a"}), policy({**DENY, "Action": ["s3:a", "s3:b"]})),
    (POLICY, policy(unless("a", "b")), policy(unless("b", "a"))),
    (POLICY, policy(unless("true")), policy(unless(True))),
    (POLICY, policy({**DENY, "Action": "s3:PutObject"}), policy({**DENY, "Action": "s3:Put*"})),
    (POLICY, policy({**DENY, "Action": ["s3:a", "s3:b"]}), policy({**DENY, "Action": "S3:*"})),
    (POLICY, policy({**DENY, "Action": ["s3:a", "s3:b"]}), policy(*({**DENY, "Action": f"s3:{x}"} for x in "ab"))),
    (POLICY, policy({**DENY, "Resource": "arn:aws:s3:::b/a/*"}), policy({**DENY, "Resource": "arn:aws:s3:::b/*"})),
    (POLICY, policy({**DENY, "Principal": {"AWS": "me"}}), policy(DENY)),
    (POLICY, policy({**DENY, "NotAction": ["s3:a", "s3:b"]}), policy({**DENY, "NotAction": "s3:a"})),
    (POLICY, policy({**DENY, "NotAction": "s3:a"}), policy({**DENY, "Action": "*"})),
    (POLICY, policy(except_for("me", "you")), policy(except_for("me"))),
    (POLICY, policy(unless("a")), policy(DENY)),
    (POLICY, policy(unless("a")), policy(unless("a", "b"))),
    (POLICY, policy({**NOT_OURS, "Condition": OURS}), policy(NOT_OURS)),
    (POLICY, policy(below_tls("1.2")), policy(below_tls("1.3"))),
    (POLICY, policy(below_tls("1.2")), policy(at_most("1.2"))),
    (POLICY, policy(at_most("1.2")), policy(below_tls("1.3"))),
    (POLICY, policy(at_most("1.2")), policy(at_most("1.2"))),
    (POLICY, policy(unless("a", "b")), policy(unless("a"), unless("b"))),
    (POLICY, policy(unless("a", "b")), policy(unless("a", "c"), unless("b"))),
    (
        POLICY,
        policy({**DENY, "Condition": {"StringEquals": {"k": ["a", "b"], "l": ["c", "d"]}}}),
        policy(*(when("StringEquals", "l", each) for each in "cd")),
    ),
    (POLICY, policy(when("StringNotLike", WHO, f"{ROLE}*")), policy(when("StringNotLike", WHO, f"{ROLE}a"))),
    (POLICY, policy(when("StringNotEquals", WHO, f"{ROLE}a")), policy(when("ArnNotEquals", WHO, f"{ROLE}a"))),
    (POLICY, policy(when("StringEquals", WHO, f"{ROLE}a")), policy(when("ArnLike", WHO, f"{ROLE}*"))),
    (POLICY, policy(when("StringNotEqualsIfExists", "k", "a")), policy(when("StringNotEquals", "k", "a"))),
    (POLICY, policy(when("NotIpAddress", FROM, "10.0.0.0/8")), policy(when("NotIpAddress", FROM, "10.1.0.0/16"))),
    (POLICY, policy(when("IpAddress", FROM, "10.1.2.3")), policy(when("IpAddress", FROM, "10.0.0.0/8", "::/0"))),
    (
        POLICY,
        policy(when("DateLessThan", NOW, "2030-01-01T00:00:00Z")),
        policy(when("DateLessThan", NOW, "2031-01-01T00:00:00Z")),
    ),
    (
        POLICY,
        policy({**DENY, "Principal": {"AWS": "arn:aws:iam::111111111111:root"}}),
        policy({**DENY, "Principal": {"AWS": "111111111111"}}),
    ),
    *((type_, policy(ALLOW), {"policy": UNKNOWN}) for type_ in (POLICY, KEY, t.KMS_KEY_POLICY)),
    (KEY, policy(DENY, ALLOW), policy(DENY)),
    (KEY, policy(DENY), {}),
    (CRYPT, crypt("aws:kms", "arn:key"), crypt("aws:kms", "arn:other")),
    (CRYPT, crypt("aws:kms"), crypt("aws:kms", "arn:key")),
    (CRYPT, crypt("aws:kms", "arn:key"), crypt("aws:kms", UNKNOWN)),
    (CRYPT, crypt("AES256"), crypt("AES256")),
    (t.SNS_TOPIC, {"kmsMasterKeyId": "alias/a"}, {"kmsMasterKeyId": "alias/b"}),
    (t.SNS_TOPIC, {"kmsMasterKeyId": "alias/a"}, {"kmsMasterKeyId": UNKNOWN}),
    (t.SNS_TOPIC, {"kmsMasterKeyId": ""}, {}),
    (t.SNS_TOPIC, {}, {"kmsMasterKeyId": "alias/a"}),
    (t.SSM_PARAMETER, {"type": "String"}, {"type": "SecureString"}),
    (t.KMS_ALIAS, {"targetKeyId": "k"}, {"targetKeyId": "k"}),
]


@pytest.mark.parametrize(("type_", "was", "becomes", "kind"), WEAKER)
@pytest.mark.parametrize("op", ["update", "replace"])
def test_what_becomes_weaker_is_stopped(op: str, type_: str, was: Any, becomes: Any, kind: str) -> None:
    if op == "replace" and type_ in {KEY, t.KMS_REPLICA_KEY}:
        kind = "replaced"
    preview = Preview()
    if op == "update":
        preview.update(type_, {"bucket": "b", **was}, {"bucket": "b", **becomes})
    else:
        preview.replace(type_, {"bucket": "b", **was}, {"bucket": "b", **becomes}, first=True)
    assert preview.kinds == [kind]


@pytest.mark.parametrize(("type_", "was", "becomes"), AS_GOOD)
def test_what_stays_as_strong_passes(type_: str, was: Any, becomes: Any) -> None:
    assert Preview().update(type_, {"bucket": "b", **was}, {"bucket": "b", **becomes}).kinds == []


REMOVED: dict[str, str] = {
    LOCK: "lock-shortened",
    VERSIONS: "versioning-suspended",
    BLOCK: "guard-removed",
    CRYPT: "guard-removed",
    OWNER: "guard-removed",
    POLICY: "guard-removed",
    LOGS: "guard-removed",
    t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK: "guard-removed",
    t.KMS_ALIAS: "key-alias-moved",
}
INPUTS = {"bucket": "b", **lock(), **versions()}


@pytest.mark.parametrize("type_", REMOVED)
def test_what_guards_a_bucket_does_not_go(type_: str) -> None:
    assert Preview().delete(type_, "guard", INPUTS).kinds == [REMOVED[type_]]
    assert Preview().delete(type_, "guard", INPUTS, retain=(True, False)).kinds == []


@pytest.mark.parametrize("type_", ONE_PER_BUCKET)
def test_a_guard_is_not_undone_by_its_own_replacement(type_: str) -> None:
    was, becomes = {**INPUTS, "region": "a"}, {**INPUTS, "region": "b"}
    assert Preview().replace(type_, was, becomes, keys=["region"], **UNGUARDED).kinds == ["guard-removed"]
    assert Preview().replace(type_, was, becomes, keys=["region"], first=True, **UNGUARDED).kinds == []
    assert Preview().replace(type_, was, becomes, keys=["region"]).kinds == []  # the old one is retained


BESIDE = [type_ for type_ in REMOVED if type_ in ONE_PER_BUCKET and type_ != t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK]


@pytest.mark.parametrize("type_", BESIDE)
def test_with_the_bucket_itself_everything_beside_it_is_told_once(type_: str) -> None:
    preview = Preview().delete(t.S3_BUCKET, "bucket", {"bucket": "b"}, id_="b").delete(type_, "guard", INPUTS)
    assert preview.kinds == ["deleted"]


def test_a_bucket_that_is_only_forgotten_keeps_its_guards() -> None:
    preview = Preview().delete(t.S3_BUCKET, "bucket", {"bucket": "b"}, id_="b", retain=(True, False))
    assert preview.delete(POLICY, "policy", INPUTS).kinds == ["guard-removed"]


def test_a_lock_of_r2_stays_when_it_leaves_the_program() -> None:
    assert Preview().delete(R2_LOCK, "lock", {"bucketName": "b", **held(age(60))}).kinds == []


def test_only_what_a_bucket_has_once_is_undone_by_its_own_replacement() -> None:
    was, becomes = ({"bucketName": "b", "jurisdiction": each} for each in ("default", "eu"))
    assert Preview().replace(t.R2_BUCKET_CORS, was, becomes, keys=["jurisdiction"], **UNGUARDED).kinds == []
    named = {"bucket": "b", "tags": {}}
    assert Preview().replace(t.S3_BUCKET, named, named, keys=["tags"], **UNGUARDED).kinds == ["replaced"]


def test_a_lifecycle_that_goes_loses_nothing() -> None:
    rules = {"rules": [{"enabled": True, "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 60}}}]}
    assert Preview().delete(t.R2_BUCKET_LIFECYCLE, "r2", {"bucketName": "b", **rules}).kinds == []
    assert Preview().update(t.R2_BUCKET_LIFECYCLE, {"bucketName": "b", **rules}, {"bucketName": "b"}).kinds == []


def test_what_guards_the_whole_account_is_missed_although_a_bucket_goes() -> None:
    preview = Preview().delete(t.S3_BUCKET, "bucket", {"bucket": "b"}, id_="b")
    assert preview.delete(t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, "block", ON).kinds == ["deleted", "guard-removed"]
