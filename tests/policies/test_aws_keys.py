"""Rules about keys, topics and queues: policies that let in whom they should, broken one field at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.values import UNKNOWN
from policies.rules import aws_keys
from tests.support.policy_scene import changed, found, make_resource

RULES = {rule.name: rule for rule in aws_keys.RULES}
ROTATION, KEYS, CHANNELS = (RULES[name] for name in ("kms-no-rotation", "kms-policy-open", "topic-policy-open"))
OWN, FOREIGN = "222222222222", "333333333333"


def text(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


ROOT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
SERVICE = {
    "Effect": "Allow",
    "Principal": {"Service": "budgets.amazonaws.com"},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:SourceAccount": OWN}},
}
PUBLISH = {
    "Sid": "Publish",
    "Effect": "Allow",
    "Principal": {"Service": "budgets.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": f"arn:aws:sns:ap-northeast-1:{OWN}:harbor-staging-topic-cost",
    "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:budgets::{OWN}:*"}},
}
KEY = make_resource(t.KMS_KEY, "key", enableKeyRotation=True, policy=text(ROOT, SERVICE))
TOPIC_POLICY = make_resource(t.SNS_TOPIC_POLICY, "topic", policy=text(PUBLISH))

# What opens either kind of policy, laid over a statement that is as it should be.
OPEN: list[dict[str, Any]] = [
    {"Principal": "*", "Condition": {}},
    {"Principal": {"AWS": "*"}, "Condition": {}},
    {"Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-harbor"}}},
    {"Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"aws:SourceAccount": [OWN, FOREIGN]}}},
    {"Principal": None, "NotPrincipal": {"AWS": OWN}, "Condition": {}},
    {"Principal": {"AWS": FOREIGN}},
    {"Principal": {"AWS": [f"arn:aws:iam::{OWN}:root", f"arn:aws:iam::{FOREIGN}:role/deploy"]}},
    {"Condition": {}},
    {"Condition": {"StringEquals": {"aws:SourceAccount": FOREIGN}}},
    {"Condition": {"StringLike": {"aws:SourceAccount": "*"}}},
    {"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": OWN}}},
    {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:budgets::*:*"}}},
    {"Principal": {"Service": ["events.amazonaws.com", "budgets.amazonaws.com"]}, "Condition": {}},
]
# What does not, though it looks unusual.
CLOSED: list[dict[str, Any]] = [
    {"Effect": "Deny", "Principal": "*", "Condition": {}},
    {"Principal": {"AWS": f"arn:aws:iam::{OWN}:role/job"}, "Condition": {}},
    {"Principal": {"AWS": OWN}, "Condition": {}},
    {"Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"AWS:SourceOwner": OWN}}},
    {"Principal": "*", "Condition": {"StringEquals": {"kms:CallerAccount": OWN, "kms:ViaService": "s3.amazonaws.com"}}},
    {
        "Principal": {"Service": "s3.amazonaws.com"},
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::harbor-staging-vault"}},
    },
    {
        "Principal": {"Service": "logs.amazonaws.com"},
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:ap-northeast-1:{OWN}:*"}},
    },
    {
        "Principal": {"Service": "sns.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:sns:ap-northeast-1:{OWN}:it"}},
    },
]


@pytest.mark.parametrize("value", [False, ...])
def test_keys_are_rotated(value: Any) -> None:
    assert found(ROTATION, KEY) == []
    later = changed(KEY, "enableKeyRotation", UNKNOWN)
    assert len(found(ROTATION, later, changed(KEY, "enableKeyRotation", value))) == 1


@pytest.mark.parametrize(("days", "count"), [(90, 0), (365.0, 0), (UNKNOWN, 0), (None, 0), (366, 1), (2560.0, 1)])
def test_a_key_is_rotated_every_year(days: Any, count: int) -> None:
    assert len(found(ROTATION, changed(KEY, "rotationPeriodInDays", days))) == count


def test_whoever_calls_a_key_is_known_by_their_own_account() -> None:
    for type_, rule, said, key in (
        (t.KMS_KEY, KEYS, SERVICE, "kms:CallerAccount"),
        (t.SNS_TOPIC_POLICY, CHANNELS, PUBLISH, "aws:PrincipalAccount"),
    ):
        everybody = {**said, "Principal": {"AWS": "*"}, "Condition": {}}
        (message,) = found(rule, make_resource(type_, policy=text(everybody)))
        assert f'"{key}": "{OWN}"' in message
        mended = {**everybody, "Condition": {"StringEquals": {key: OWN}}}
        assert found(rule, make_resource(type_, policy=text(mended))) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("keyUsage", "SIGN_VERIFY"),
        ("keyUsage", "GENERATE_VERIFY_MAC"),
        ("customerMasterKeySpec", "RSA_4096"),
        ("customKeyStoreId", "cks-1"),
        ("keyUsage", UNKNOWN),
    ],
)
def test_a_key_that_kms_cannot_rotate_need_not_be(path: str, value: str) -> None:
    still = changed(KEY, "enableKeyRotation", ...)
    assert found(ROTATION, changed(still, path, value)) == []
    symmetric = changed(changed(still, "keyUsage", "ENCRYPT_DECRYPT"), "customerMasterKeySpec", "SYMMETRIC_DEFAULT")
    assert len(found(ROTATION, changed(symmetric, "customKeyStoreId", ""))) == 1


@pytest.mark.parametrize("type_", [t.KMS_KEY, t.KMS_KEY_POLICY, t.KMS_REPLICA_KEY])
@pytest.mark.parametrize("change", OPEN, ids=range(len(OPEN)))
def test_a_key_is_used_from_the_stages_account_only(type_: str, change: dict[str, Any]) -> None:
    assert found(KEYS, KEY, make_resource(type_, policy=text(ROOT, SERVICE))) == []
    later = make_resource(type_, policy=UNKNOWN)
    (message,) = found(KEYS, later, make_resource(type_, policy=text(ROOT, {**SERVICE, **change})))
    assert "statement 2" in message


@pytest.mark.parametrize("change", CLOSED, ids=range(len(CLOSED)))
def test_what_is_the_accounts_own_may_use_a_key(change: dict[str, Any]) -> None:
    assert found(KEYS, make_resource(t.KMS_KEY, policy=text(ROOT, {**SERVICE, **change}))) == []


def test_a_key_without_a_policy_is_the_accounts() -> None:
    assert found(KEYS, make_resource(t.KMS_KEY)) == []


@pytest.mark.parametrize("type_", [t.SNS_TOPIC, t.SNS_TOPIC_POLICY, t.SQS_QUEUE, t.SQS_QUEUE_POLICY])
@pytest.mark.parametrize("change", OPEN, ids=range(len(OPEN)))
def test_a_topic_or_queue_is_the_accounts_only(type_: str, change: dict[str, Any]) -> None:
    assert found(CHANNELS, make_resource(type_, policy=text(PUBLISH)), make_resource(type_)) == []
    later = make_resource(type_, policy=UNKNOWN)
    (message,) = found(CHANNELS, later, make_resource(type_, policy=text({**PUBLISH, **change})))
    assert "statement Publish" in message


@pytest.mark.parametrize("change", CLOSED, ids=range(len(CLOSED)))
def test_what_is_the_accounts_own_may_send(change: dict[str, Any]) -> None:
    assert found(CHANNELS, changed(TOPIC_POLICY, "policy", text({**PUBLISH, **change}))) == []


def test_the_fix_mends_what_is_wrong() -> None:
    """Another account stays a stranger under any condition; a service cannot be made a principal of the account."""
    asked = {"Condition": {"StringEquals": {"aws:SourceAccount": OWN}}}
    for change, by_condition in (({"Principal": "*"}, True), ({"Principal": {"AWS": FOREIGN}}, False), ({}, True)):
        (message,) = found(CHANNELS, changed(TOPIC_POLICY, "policy", text({**PUBLISH, "Condition": {}, **change})))
        assert ("Condition" in message) is by_condition
        mended = found(CHANNELS, changed(TOPIC_POLICY, "policy", text({**PUBLISH, **change, **asked})))
        assert (mended == []) is by_condition


def test_each_open_statement_is_named() -> None:
    bare = {**PUBLISH, "Condition": {}}
    messages = found(CHANNELS, changed(TOPIC_POLICY, "policy", text(bare, PUBLISH, {**bare, "Sid": "Again"})))
    assert ["Publish" in messages[0], "Again" in messages[1], len(messages)] == [True, True, 2]


def test_eventbridge_cannot_say_for_whom_it_sends_to_a_topic() -> None:
    """Its own guide says so, of topics and of their keys; to a queue it does say it."""
    change = {"Principal": {"Service": "events.amazonaws.com"}, "Condition": {}}
    for type_ in (t.SNS_TOPIC, t.SNS_TOPIC_POLICY):
        assert found(CHANNELS, make_resource(type_, policy=text({**PUBLISH, **change}))) == []
    for type_ in (t.KMS_KEY, t.KMS_KEY_POLICY, t.KMS_REPLICA_KEY):
        assert found(KEYS, make_resource(type_, policy=text(ROOT, {**SERVICE, **change}))) == []
    assert len(found(CHANNELS, make_resource(t.SQS_QUEUE_POLICY, policy=text({**PUBLISH, **change})))) == 1


def test_a_policy_of_which_a_part_is_not_known_yet() -> None:
    half = {**PUBLISH, "Condition": {"ArnEquals": {"aws:SourceArn": UNKNOWN}}}
    said = {"Statement": [half, {**PUBLISH, "Principal": UNKNOWN, "Condition": {}}]}
    assert found(CHANNELS, changed(TOPIC_POLICY, "policy", said)) == []
    said["Statement"].append({**PUBLISH, "Condition": {}})
    assert len(found(CHANNELS, changed(TOPIC_POLICY, "policy", said))) == 1


def test_no_message_shows_a_secret() -> None:
    hidden = {"StringLike": {"sns:Endpoint": "https://canary.example/hook"}}
    shown = [
        *found(CHANNELS, changed(TOPIC_POLICY, "policy", text({**PUBLISH, "Principal": "*", "Condition": hidden}))),
        *found(KEYS, changed(KEY, "policy", text({**ROOT, "Principal": {"AWS": "canary"}}))),
    ]
    assert len(shown) == 2
    assert not any("canary" in message for message in shown)
    assert found(KEYS, changed(KEY, "policy", "canary")) == []  # no JSON: AWS refuses it
