"""Rules about S3 buckets: a vault and its access log as they should be, broken one field at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rule import AnyRule
from policies.rules import aws_storage
from tests.support.policy_scene import changed, found, make_resource

RULES = {rule.name: rule for rule in aws_storage.RULES}
PUBLIC, VERSIONS = RULES["s3-public"], RULES["s3-unversioned"]
ENCRYPTION, TLS = RULES["s3-unencrypted"], RULES["s3-no-tls-only"]
OWN = "222222222222"

NAME = f"harbor-staging-vault-{OWN}"
ARN = f"arn:aws:s3:::{NAME}"
BUCKET = make_resource(t.S3_BUCKET, "vault", bucket=NAME, arn=ARN)
LOG = make_resource(t.S3_BUCKET, "log", bucket=f"harbor-staging-vault-log-{OWN}", arn=UNKNOWN)
KEY = make_resource(t.KMS_KEY, "key", arn=f"arn:aws:kms:ap-northeast-1:{OWN}:key/1", keyId="1")


def policy(*statements: Any, of: ObservedResource = BUCKET) -> ObservedResource:
    said = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return beside(t.S3_BUCKET_POLICY, of, policy=said)


def beside(type_: str, bucket: ObservedResource = BUCKET, /, **props: Any) -> ObservedResource:
    name = f"{bucket.name}-{type_.rpartition(':')[2]}"
    return make_resource(type_, name, sources={"bucket": [bucket]}, bucket=bucket["bucket"], **props)


def unnamed(resource: ObservedResource, *sources: ObservedResource) -> ObservedResource:
    """Return what is beside a bucket as on a new stack: which one, is said only by where the name comes from."""
    resource = changed(resource, "bucket", UNKNOWN)
    return replace(resource, depends={"bucket": sources}) if sources else resource


BLOCK = beside(
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK,
    blockPublicAcls=True,
    blockPublicPolicy=True,
    ignorePublicAcls=True,
    restrictPublicBuckets=True,
)
VERSIONING = beside(t.S3_BUCKET_VERSIONING, versioningConfiguration={"status": "Enabled"})
WITH_KEY = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY["arn"]}
ENCRYPTED = beside(
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION, rules=[{"applyServerSideEncryptionByDefault": WITH_KEY}]
)
REFUSAL = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
READ = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
# What each rule wants beside a bucket, and a value of its deciding property that is worth nothing.
COMPANIONS = {PUBLIC: BLOCK, VERSIONS: VERSIONING, ENCRYPTION: ENCRYPTED, TLS: policy(REFUSAL)}
NOTHING = {PUBLIC: False, VERSIONS: {"status": "Suspended"}, ENCRYPTION: [], TLS: "{}"}


@pytest.mark.parametrize("flag", ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"])
@pytest.mark.parametrize("value", [False, ...])
def test_each_way_to_the_public_is_blocked(flag: str, value: Any) -> None:
    assert found(PUBLIC, BUCKET, BLOCK) == []
    (message,) = found(PUBLIC, BUCKET, changed(BLOCK, flag, value))
    assert flag in message


def test_the_account_may_block_public_access_to_all_of_its_buckets() -> None:
    flags: dict[str, Any] = dict.fromkeys(t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK.guarding, True)
    whole = make_resource(t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, **flags)
    half = changed(BLOCK, "restrictPublicBuckets", False)
    for account in (whole, changed(whole, "accountId", OWN), changed(whole, "blockPublicAcls", UNKNOWN)):
        assert found(PUBLIC, BUCKET, LOG, half, account) == []
        assert len(found(PUBLIC, BUCKET, account, policy(READ), beside(t.S3_BUCKET_ACL, acl="public-read"))) == 2
    for account in (changed(whole, "accountId", "999999999999"), changed(whole, "blockPublicAcls", ...)):
        assert len(found(PUBLIC, BUCKET, account)) == 1


@pytest.mark.parametrize("rule", COMPANIONS, ids=lambda rule: rule.name)
def test_every_bucket_has_what_makes_it_safe(rule: AnyRule) -> None:
    own = [BUCKET, KEY, COMPANIONS[rule]]
    assert found(rule, *own) == []
    (message,) = found(rule, BUCKET, KEY)
    assert " vault: " in message
    # Another bucket's does not count, whether the names are known or not.
    (message,) = found(rule, LOG, *own)
    assert " log: " in message
    (message,) = found(rule, changed(LOG, "bucket", UNKNOWN), BUCKET, KEY, unnamed(COMPANIONS[rule]))
    assert " log: " in message


@pytest.mark.parametrize("rule", COMPANIONS, ids=lambda rule: rule.name)
def test_a_companion_may_take_the_name_from_anywhere(rule: AnyRule) -> None:
    companion = COMPANIONS[rule]
    assert found(rule, KEY, BUCKET, replace(companion, depends={})) == []  # somebody wrote it down
    first = unnamed(beside(t.S3_BUCKET_OWNERSHIP_CONTROLS), BUCKET)
    assert found(rule, KEY, BUCKET, first, unnamed(companion, first)) == []  # of what must be made before


@pytest.mark.parametrize("rule", [PUBLIC, VERSIONS, ENCRYPTION], ids=lambda rule: rule.name)
def test_a_known_name_says_more_than_where_it_comes_from(rule: AnyRule) -> None:
    of_log = changed(COMPANIONS[rule], "bucket", LOG["bucket"])  # made of the vault's name, as `<vault>-log` is
    (message,) = found(rule, KEY, LOG, BUCKET, of_log)
    assert " vault: " in message


@pytest.mark.parametrize("rule", COMPANIONS, ids=lambda rule: rule.name)
def test_what_is_not_known_yet_is_judged_later(rule: AnyRule) -> None:
    companion = COMPANIONS[rule]
    (path, *_) = {"restrictPublicBuckets", "versioningConfiguration", "rules", "policy"} & set(companion.props)
    unknown = unnamed(changed(companion, path, UNKNOWN), BUCKET)
    bare = make_resource(t.S3_BUCKET, "bare", bucket="harbor-staging-bare")
    assert found(rule, KEY, unknown, BUCKET) == []
    (message,) = found(rule, KEY, unknown, BUCKET, bare)
    assert "bare" in message
    broken = changed(make_resource(companion.type, "broken", bucket=NAME), path, NOTHING[rule])
    (message,) = found(rule, KEY, unknown, broken, BUCKET)
    assert "broken" in message


@pytest.mark.parametrize(
    "statement",
    [
        READ,
        {**READ, "Principal": {"AWS": "*"}},
        {**READ, "Principal": {"AWS": [OWN, "*"]}},
        {"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "Action": "s3:*", "Resource": "*"},
        {**READ, "Condition": {"StringLike": {"aws:Referer": "https://harbor.example/*"}}},
        {**READ, "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}},
        {**READ, "Condition": {"StringLike": {"aws:PrincipalOrgID": "o-*"}}},
        {**READ, "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}},
        {**READ, "Condition": {"StringLike": {"aws:userid": "*"}}},
        {**READ, "Condition": {"StringLike": {"aws:PrincipalOrgID": "o-?"}}},
        {**READ, "Condition": {"StringEquals": {"aws:userid": "${aws:userid}"}}},
        {**READ, "Condition": {"StringEquals": {"aws:PrincipalOrgID": []}}},
        {**READ, "Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}},
        {**READ, "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}},
        {**READ, "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}},
        {**READ, "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_no_policy_lets_everybody_in(statement: dict[str, Any]) -> None:
    assert len(found(PUBLIC, BUCKET, BLOCK, policy(REFUSAL, statement))) == 1
    assert len(found(PUBLIC, policy(REFUSAL), policy(statement))) == 1  # of a bucket that is not in the stack
    assert len(found(PUBLIC, changed(policy(REFUSAL), "policy", UNKNOWN), policy(statement))) == 1


@pytest.mark.parametrize(
    "statement",
    [
        REFUSAL,
        {**READ, "Principal": {"AWS": f"arn:aws:iam::{OWN}:role/reader"}},
        {**READ, "Principal": {"AWS": "arn:aws:iam::391854517948:user/cloudflare-logpush"}},
        {**READ, "Principal": {"Service": "logging.s3.amazonaws.com"}},
        {**READ, "Condition": {"StringEquals": {"aws:PrincipalAccount": OWN}}},
        {**READ, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-harbor"}}},
        {**READ, "Condition": {"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}},
        {**READ, "Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/*"}}},
        {**READ, "Condition": {"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}},
        {**READ, "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}},
    ],
)
def test_a_policy_may_let_in_whom_one_knows(statement: dict[str, Any]) -> None:
    assert found(PUBLIC, BUCKET, BLOCK, policy(statement)) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:PrincipalArn", f"arn:aws:iam::{OWN}:role/reader"),
        ("aws:SourceAccount", OWN),
        ("aws:SourceArn", ARN),
        ("aws:SourceOrgID", "o-harbor"),
        ("aws:SourceOwner", OWN),
        ("aws:SourceVpc", "vpc-1"),
        ("aws:VpcSourceIp", "10.0.0.0/16"),
        ("s3:DataAccessPointAccount", OWN),
        ("s3:DataAccessPointArn", f"arn:aws:s3:ap-northeast-1:{OWN}:accesspoint/*"),
    ],
)
def test_s3_knows_more_ways_to_say_who(key: str, value: str) -> None:
    assert found(PUBLIC, BUCKET, BLOCK, policy({**READ, "Condition": {"StringLike": {key: value}}})) == []


def test_a_buckets_own_policy_counts_until_another_replaces_it() -> None:
    own = changed(BUCKET, "policy", json.dumps({"Statement": [READ]}))
    assert len(found(PUBLIC, own, BLOCK)) == 1
    assert found(PUBLIC, own, BLOCK, policy(REFUSAL)) == []


def granted(*groups: Any) -> dict[str, Any]:
    return {"accessControlPolicy": {"grants": [{"grantee": {"uri": group}} for group in groups]}}


GROUPS = "http://acs.amazonaws.com/groups"


@pytest.mark.parametrize(
    "props",
    [
        {"acl": "public-read"},
        {"acl": "public-read-write"},
        {"acl": "authenticated-read"},
        granted(UNKNOWN, f"{GROUPS}/global/AllUsers"),
        granted(f"{GROUPS}/s3/LogDelivery", f"{GROUPS}/global/AuthenticatedUsers"),
    ],
)
def test_no_acl_lets_everybody_in(props: dict[str, Any]) -> None:
    mine = [beside(t.S3_BUCKET_ACL, acl=acl) for acl in ("private", "log-delivery-write", UNKNOWN)]
    own = [BUCKET, BLOCK, *mine, beside(t.S3_BUCKET_ACL, BUCKET, **granted(f"{GROUPS}/s3/LogDelivery", UNKNOWN))]
    assert found(PUBLIC, *own) == []
    assert len(found(PUBLIC, *own, beside(t.S3_BUCKET_ACL, BUCKET, **props))) == 1


def test_a_buckets_own_acl_counts() -> None:
    assert len(found(PUBLIC, changed(BUCKET, "acl", "public-read"), BLOCK)) == 1


@pytest.mark.parametrize("status", ["Suspended", "Disabled", ...])
def test_versions_are_kept(status: Any) -> None:
    assert found(VERSIONS, BUCKET, VERSIONING) == []
    assert len(found(VERSIONS, BUCKET, changed(VERSIONING, "versioningConfiguration.status", status))) == 1


BY_DEFAULT = "rules.0.applyServerSideEncryptionByDefault"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("rules", []),
        ("rules", ...),
        (BY_DEFAULT, ...),
        (f"{BY_DEFAULT}.sseAlgorithm", ...),
        (f"{BY_DEFAULT}.sseAlgorithm", "AES256"),
        (f"{BY_DEFAULT}.kmsMasterKeyId", ...),
        (f"{BY_DEFAULT}.kmsMasterKeyId", ""),
        (f"{BY_DEFAULT}.kmsMasterKeyId", "alias/aws/s3"),
        (f"{BY_DEFAULT}.kmsMasterKeyId", "arn:aws:kms:ap-northeast-1:222222222222:key/anothers"),
    ],
)
def test_backups_are_encrypted_with_a_key_of_the_stage(path: str, value: Any) -> None:
    assert found(ENCRYPTION, KEY, BUCKET, ENCRYPTED) == []
    (message,) = found(ENCRYPTION, KEY, BUCKET, changed(ENCRYPTED, path, value))
    assert "fix: " in message


@pytest.mark.parametrize(
    "default",
    [
        {"sseAlgorithm": "aws:kms:dsse", "kmsMasterKeyId": KEY["arn"]},
        {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "1"},
        {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/harbor-staging-key-vault"},
        {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": UNKNOWN},
        {"sseAlgorithm": UNKNOWN, "kmsMasterKeyId": UNKNOWN},
        UNKNOWN,
    ],
)
def test_a_key_of_the_stage_may_be_named_in_any_way(default: Any) -> None:
    alias = make_resource(t.KMS_ALIAS, name="alias/harbor-staging-key-vault")
    assert found(ENCRYPTION, KEY, alias, BUCKET, changed(ENCRYPTED, BY_DEFAULT, default)) == []


def test_a_key_is_the_stages_where_its_name_comes_from_it() -> None:
    by_origin = replace(ENCRYPTED, depends={**ENCRYPTED.depends, "rules": (KEY,)})
    assert found(ENCRYPTION, changed(KEY, "arn", UNKNOWN), BUCKET, by_origin) == []
    assert len(found(ENCRYPTION, changed(KEY, "arn", UNKNOWN), BUCKET, ENCRYPTED)) == 1
    for nothing in (..., ""):
        assert len(found(ENCRYPTION, KEY, BUCKET, changed(by_origin, f"{BY_DEFAULT}.kmsMasterKeyId", nothing))) == 1
    replica = make_resource(t.KMS_REPLICA_KEY, arn=KEY["arn"])
    assert found(ENCRYPTION, replica, BUCKET, ENCRYPTED) == []


@pytest.mark.parametrize("name", [LOG["bucket"], "harbor-staging-exports", UNKNOWN])
def test_other_buckets_may_leave_the_key_to_s3(name: Any) -> None:
    other = changed(BUCKET, "bucket", name)
    by_s3 = unnamed(changed(ENCRYPTED, BY_DEFAULT, {"sseAlgorithm": "AES256"}), other)
    assert found(ENCRYPTION, KEY, other, by_s3) == []
    assert len(found(ENCRYPTION, KEY, other, changed(by_s3, BY_DEFAULT, {}))) == 1


def test_a_second_regions_vault_is_a_vault() -> None:
    replica = changed(BUCKET, "bucket", f"harbor-staging-vault-replica-{OWN}")
    by_s3 = unnamed(changed(ENCRYPTED, BY_DEFAULT, {"sseAlgorithm": "AES256"}), replica)
    assert len(found(ENCRYPTION, KEY, replica, by_s3)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": OWN}},
        {"NotPrincipal": {"AWS": OWN}},
        {"Action": "s3:GetObject"},
        {"Resource": ARN},
        {"Resource": f"{ARN}/*"},
        {"Resource": [ARN, f"{ARN}/database/*"]},
        {"Resource": ["arn:aws:s3:::another", "arn:aws:s3:::another/*"]},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"StringNotEquals": {"aws:SecureTransport": "false"}}},
        {"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalAccount": OWN}}},
        {"Condition": {}},
    ],
)
def test_plain_http_is_refused_for_everything(change: dict[str, Any]) -> None:
    assert len(found(TLS, BUCKET, policy(READ, {**REFUSAL, **change}))) == 1
    # On a new stack the ARN is not known yet, and a policy that somebody wrote down already is.
    new = changed(BUCKET, "arn", UNKNOWN)
    assert len(found(TLS, new, policy({**REFUSAL, **change}))) == 1


@pytest.mark.parametrize("arn", [ARN, UNKNOWN])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Principal": "*", "Action": ["S3:*"]},
        {"Action": "*", "Resource": "*"},
        {"Resource": f"{ARN}*"},
        {"Condition": {"Bool": {"AWS:SecureTransport": False}}},
        {"Condition": {"BoolIfExists": {"aws:SecureTransport": ["false"]}}},
        {"Condition": {"StringNotEquals": {"aws:SecureTransport": "true"}}},
        {"Condition": {"StringEquals": {"aws:SecureTransport": "false"}}},
        {"Condition": {"StringEqualsIgnoreCase": {"aws:SecureTransport": "False"}}},
        {"Condition": {"StringLike": {"aws:SecureTransport": "false"}}},
        {"Condition": {"StringNotLike": {"aws:SecureTransport": "true"}}},
        {"Condition": {"StringNotEqualsIgnoreCase": {"aws:SecureTransport": "True"}}},
        {"Condition": {"ForAnyValue:Bool": {"aws:SecureTransport": ["false"]}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "BoolIfExists": {"aws:ViaAWSService": "false"}}},
        {"Action": ["s3:*", "s3:GetObject"]},
        {"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:PrincipalIsAWSService": "false"}}},
    ],
)
def test_plain_http_may_be_refused_in_other_words(arn: Any, change: dict[str, Any]) -> None:
    assert found(TLS, changed(BUCKET, "arn", arn), policy({**REFUSAL, **change})) == []


@pytest.mark.parametrize("arn", [ARN, UNKNOWN])
def test_plain_http_may_be_refused_in_two_statements(arn: Any) -> None:
    both = policy({**REFUSAL, "Resource": ARN}, {**REFUSAL, "Resource": f"{ARN}/*"})
    assert found(TLS, changed(BUCKET, "arn", arn), both) == []


def test_a_policy_made_of_the_buckets_arn_is_about_the_bucket() -> None:
    """In tests the ARN is made up, and is not made of the bucket's name."""
    made = changed(policy(REFUSAL), "policy", policy(REFUSAL)["policy"].replace(NAME, "vault"))
    made = replace(made, depends={**made.depends, "policy": (BUCKET,)})
    assert found(TLS, changed(BUCKET, "arn", UNKNOWN), made) == []
    assert len(found(TLS, BUCKET, made)) == 1


def test_a_policy_that_is_no_text_is_read_too() -> None:
    said = {"Version": "2012-10-17", "Statement": [REFUSAL]}
    assert found(TLS, BUCKET, changed(policy(), "policy", said)) == []
    later = {"Statement": [{**REFUSAL, "Resource": UNKNOWN}]}
    assert found(TLS, BUCKET, changed(policy(), "policy", later)) == []


def test_no_message_shows_a_secret() -> None:
    secret = "canary-policy"
    shown = [
        *found(PUBLIC, BUCKET, BLOCK, policy({**READ, "Condition": {"StringLike": {"aws:Referer": secret}}})),
        *found(TLS, BUCKET, policy({**REFUSAL, "Condition": {"StringEquals": {"aws:UserAgent": secret}}})),
        *found(TLS, BUCKET, changed(policy(), "policy", secret)),
        *found(VERSIONS, BUCKET, changed(VERSIONING, "versioningConfiguration.status", secret)),
        *found(ENCRYPTION, KEY, BUCKET, changed(ENCRYPTED, f"{BY_DEFAULT}.kmsMasterKeyId", secret)),
    ]
    assert len(shown) == 5
    assert not any("canary" in message for message in shown)


@pytest.mark.parametrize(
    ("target", "count"),
    [
        ("harbor-staging-vault", 1),
        ("harbor-staging-vault-log", 0),
        (UNKNOWN, 0),
        (None, 0),
    ],
)
def test_a_bucket_does_not_log_into_itself(target: Any, count: int) -> None:
    [rule] = [rule for rule in aws_storage.RULES if rule.name == "s3-log-into-itself"]
    logging = make_resource(t.S3_BUCKET_LOGGING, bucket="harbor-staging-vault", targetBucket=target)
    assert len(found(rule, logging)) == count
    assert found(rule, changed(logging, "bucket", UNKNOWN)) == []
