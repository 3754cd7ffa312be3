"""Rules about who is let in from outside: compliant baselines, broken one field at a time, and unusual ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import aws_guests
from tests.support.policy_scene import changed, found, make_resource

RULES = {rule.name: rule for rule in aws_guests.RULES}
OWN, THEIRS, NOBODYS = "2" * 12, "3" * 12, "9" * 12
PERMISSION = make_resource(
    t.LAMBDA_PERMISSION,
    function="harbor-staging-job",
    action="lambda:InvokeFunction",
    statementId="schedule",
    principal="events.amazonaws.com",
    sourceArn=f"arn:aws:events:ap-northeast-1:{OWN}:rule/nightly",
)
STARTED = RULES["function-started-by-strangers"]
GUEST = RULES["bucket-policy-stranger"]


@pytest.mark.parametrize(
    "changes",
    [
        {"principal": "*", "sourceArn": ...},
        {"principal": "*", "sourceArn": ..., "functionUrlAuthType": "NONE"},
        {"principal": "*", "sourceArn": ..., "principalOrgId": "o-1234567890"},
        {"principal": THEIRS},
        {"principal": f"arn:aws:iam::{NOBODYS}:root"},
        {"principal": f"arn:aws:iam::{NOBODYS}:role/caller", "sourceArn": ...},
        {"sourceArn": ...},
        {"sourceArn": ""},
        {"sourceArn": f"arn:aws:events:ap-northeast-1:{THEIRS}:rule/nightly"},
        {"sourceArn": "*"},
        {"principal": "s3.amazonaws.com", "sourceArn": ...},
        {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::somebodys-bucket"},
        {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::somebodys-bucket", "sourceAccount": THEIRS},
        {"principal": "apigateway.amazonaws.com", "sourceArn": f"arn:aws:execute-api:*:{THEIRS}:a1b2c3/*"},
    ],
)
def test_a_function_is_not_started_by_strangers(changes: dict[str, Any]) -> None:
    broken = PERMISSION
    for path, value in changes.items():
        broken = changed(broken, path, value)
    (message,) = found(STARTED, broken)
    assert "fix:" in message


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"principal": "*"},  # whoever it is, the event of the stage's own rule starts it
        {"sourceArn": UNKNOWN},
        {"principal": UNKNOWN},
        {"sourceArn": ..., "sourceAccount": OWN},
        {"sourceArn": ..., "sourceAccount": int(OWN)},
        {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::harbor-staging-uploads"},
        {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::somebodys", "sourceAccount": OWN},
        {
            "principal": "apigateway.amazonaws.com",
            "sourceArn": f"arn:aws:execute-api:ap-northeast-1:{OWN}:a1b2/*/GET/x",
        },
        {"principal": "sns.amazonaws.com", "sourceArn": f"arn:aws:sns:ap-northeast-1:{OWN}:harbor-staging-topic"},
        {
            "principal": "logs.ap-northeast-1.amazonaws.com",
            "sourceArn": f"arn:aws:logs:ap-northeast-1:{OWN}:log-group:x:*",
        },
        {"principal": "cognito-idp.amazonaws.com", "sourceArn": f"arn:aws:cognito-idp:x:{OWN}:userpool/x_1"},
        {"principal": "alexa-appkit.amazon.com", "sourceArn": ..., "eventSourceToken": "amzn1.ask.skill.1"},
        {"principal": OWN, "sourceArn": ...},
        {"principal": f"arn:aws:iam::{OWN}:role/anything", "sourceArn": ...},
        {"principal": f"arn:aws:iam::{NOBODYS}:role/harbor-staging-role-restore", "sourceArn": ...},
    ],
)
def test_what_the_stage_owns_may_start_it(changes: dict[str, Any]) -> None:
    right = PERMISSION
    for path, value in changes.items():
        right = changed(right, path, value)
    assert found(STARTED, right) == []


def policy(who: Any, of: str = t.S3_BUCKET_POLICY, **more: Any) -> ObservedResource:
    said = {"Effect": "Allow", "Principal": who, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **more}
    return make_resource(of, bucket="harbor-staging-b", policy=json.dumps({"Statement": [said]}))


ON_BEHALF = {"StringEquals": {"aws:SourceAccount": OWN}}
BREAKING: list[tuple[Any, dict[str, Any]]] = [
    ({"AWS": f"arn:aws:iam::{THEIRS}:root"}, {}),
    ({"AWS": [OWN, NOBODYS]}, {}),
    ({"AWS": f"arn:aws:iam::{NOBODYS}:role/reader"}, {}),
    ({"AWS": f"arn:aws:iam::{NOBODYS}:role/harbor-production-role-x"}, {}),
    ({"AWS": f"arn:aws:iam::{NOBODYS}:user/harbor-staging-x"}, {}),
    ({"AWS": NOBODYS}, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{NOBODYS}:role/*"}}),
    ({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}, {}),
    ({"Service": "logging.s3.amazonaws.com"}, {}),
    (
        {"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]},
        {"StringEquals": {"aws:SourceAccount": THEIRS}},
    ),
    ({"Service": "cloudfront.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::*:distribution/*"}}),
    ({"Service": "logging.s3.amazonaws.com"}, {"StringEqualsIfExists": ON_BEHALF["StringEquals"]}),
]
FITTING: list[tuple[Any, dict[str, Any]]] = [
    ({"AWS": f"arn:aws:iam::{OWN}:root"}, {}),
    ({"AWS": [OWN, f"arn:aws:iam::{OWN}:role/x"]}, {}),
    ({"AWS": f"arn:aws:iam::{NOBODYS}:role/service-role/harbor-staging-role-replication"}, {}),
    ({"AWS": NOBODYS}, {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{NOBODYS}:role/harbor-staging-role-copy"}}),
    ({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1A2B3C4D5"}, {}),
    (
        {"Service": "cloudfront.amazonaws.com"},
        {"StringEquals": {"AWS:SourceArn": f"arn:aws:cloudfront::{OWN}:distribution/E1"}},
    ),
    ({"Service": "logging.s3.amazonaws.com"}, ON_BEHALF),
    ({"Service": "logging.s3.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::harbor-staging-*"}}),
    (
        {"Service": "delivery.logs.amazonaws.com"},
        {**ON_BEHALF, "StringLike": {"s3:x-amz-acl": "bucket-owner-full-control"}},
    ),
    ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),  # everybody is for `s3-public`
]


@pytest.mark.parametrize("of", [t.S3_BUCKET_POLICY, t.S3_BUCKET])
@pytest.mark.parametrize(("who", "condition"), BREAKING)
def test_a_bucket_has_no_guest_that_is_a_stranger(who: Any, condition: Any, of: str) -> None:
    (message,) = found(GUEST, policy(who, of, Condition=condition))
    assert "in" in message
    assert found(GUEST, policy(who, of, Condition=condition, Effect="Deny")) == []


@pytest.mark.parametrize(("who", "condition"), FITTING)
def test_a_bucket_is_open_to_the_stages_own_and_to_services_on_its_behalf(who: Any, condition: Any) -> None:
    assert found(GUEST, policy(who, Condition=condition)) == []


def test_what_is_known_later_is_judged_later() -> None:
    unknown = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": UNKNOWN}, "Condition": UNKNOWN}]}
    for value in (UNKNOWN, unknown, "no document", None):
        assert found(GUEST, changed(policy("*"), "policy", value)) == []
