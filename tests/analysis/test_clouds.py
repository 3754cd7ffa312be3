"""What the clouds would answer, as far as it can be told before anything exists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.analysis.clouds import answer
from bulkhead.engine.rendered import CreateRequest
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.planned import unsealed
from bulkhead.resources.values import UNKNOWN

AWS = {"region": "ap-northeast-1", "allowedAccountIds": json.dumps(["2" * 12])}
HERE = f"ap-northeast-1:{'2' * 12}"


def told(type_: str, stack: str = "staging", **inputs: Any) -> dict[str, Any]:
    """Return the id and the outputs of a resource called ``it``."""
    answered = answer(CreateRequest(stack, type_, "it", inputs, AWS))
    return {"id": answered.id, **answered.outputs}


@pytest.mark.parametrize("row", [row for row in CATALOGUE.values() if row.tells], ids=lambda row: row.token)
def test_whatever_a_row_tells_can_be_told(row: ResourceType) -> None:
    answered = told(row, **{row.named_by or "url": "harbor-staging-x"})
    assert row.tells.keys() <= answered.keys()
    assert "{" not in "".join(unsealed(list(answered.values())))


@pytest.mark.parametrize(
    ("type_", "inputs", "output", "value"),
    [
        (t.SNS_TOPIC, {"name": "x"}, "id", f"arn:aws:sns:{HERE}:x"),
        (t.SNS_TOPIC, {"name": "x", "region": "eu-west-1"}, "arn", f"arn:aws:sns:eu-west-1:{'2' * 12}:x"),
        (t.SNS_TOPIC, {}, "arn", f"arn:aws:sns:{HERE}:<staging/Topic/it>"),
        (t.SQS_QUEUE, {"name": "x"}, "id", f"https://sqs.ap-northeast-1.amazonaws.com/{'2' * 12}/x"),
        (t.SSM_PARAMETER, {"name": "/a/b"}, "arn", f"arn:aws:ssm:{HERE}:parameter/a/b"),
        (t.SSM_PARAMETER, {"name": "x"}, "arn", f"arn:aws:ssm:{HERE}:parameter/x"),
        (t.IAM_ROLE, {"name": "x", "path": "/ci/"}, "arn", f"arn:aws:iam::{'2' * 12}:role/ci/x"),
        (t.IAM_POLICY, {"name": "x"}, "id", f"arn:aws:iam::{'2' * 12}:policy/x"),
        (t.KMS_KEY, {}, "arn", f"arn:aws:kms:{HERE}:key/<staging/Key/it>"),
        (t.R2_BUCKET, {"name": "x"}, "id", "x"),
        (t.D1_DATABASE, {"name": "x"}, "id", "<staging/D1Database/it>"),
        ("aws:dynamodb/table:Table", {"name": "x"}, "id", "<staging/Table/it>"),
    ],
)
def test_names_are_real_and_what_a_cloud_makes_up_is_of_the_stage(
    type_: str, inputs: dict[str, Any], output: str, value: str
) -> None:
    assert told(type_, **inputs)[output] == value


@pytest.mark.parametrize("unknown", ["name", "region"])
def test_what_is_made_of_an_unknown_input_is_unknown(unknown: str) -> None:
    inputs: dict[str, Any] = {"name": "x", unknown: UNKNOWN}
    answered = told(t.SNS_TOPIC, "staging", **inputs)
    assert "arn" not in answered
    assert answered["id"] == "<staging/Topic/it>"


def test_a_secret_that_a_cloud_makes_is_sealed() -> None:
    answered = told(t.ACCOUNT_TOKEN, name="x")
    assert "secret/it" not in repr(answered)
    assert unsealed(answered["value"]) == "<staging/secret/it>"
