"""When two stages would make one and the same thing, and when two of a kind only look alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.analysis.isolation.check import isolation
from bulkhead.resources import types as t
from bulkhead.resources.kind import EACH_NEW, ResourceType
from bulkhead.resources.values import UNKNOWN
from tests.support.plans import added, planned, planned_together

PROVIDERS = [f"pulumi:providers:{package}" for package in ("aws", "cloudflare", "github")]
ACCOUNT, OWNER = "a" * 32, "9" * 12
ALARM = {"alarmName": "errors", "alarmRule": "ALARM(x)"}
STARTS = {"function": "report", "principal": "sns.amazonaws.com"}


def shared(type_: str, ours: dict[str, Any], theirs: dict[str, Any] | None = None, *, together: bool = True) -> bool:
    """Whether staging and production are told that both would make the planted resource."""
    make = planned_together if together else planned
    staging, production = (
        replace(plan, resources=plan.of(*PROVIDERS)) for plan in (make("staging"), make("production"))
    )
    stages = [added(staging, type_, ours), added(production, type_, ours if theirs is None else theirs)]
    found = isolation(stages).leaks
    return any(leak.kind == "names" and leak.whose and leak.resource.endswith(" planted") for leak in found)


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (t.LAMBDA_FUNCTION, {"name": "report"}),
        (t.LAMBDA_PERMISSION, {**STARTS, "statementId": "alarms"}),
        (t.SCHEDULER_SCHEDULE, {"groupName": "jobs", "name": "nightly"}),
        (t.CLOUDWATCH_COMPOSITE_ALARM, ALARM),
        (t.GITHUB_REPOSITORY, {"name": "shop"}),
        (t.IAM_ROLE, {"name": "Deploy"}),
        (t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, {}),
    ],
)
def test_two_stages_cannot_make_one_and_the_same_thing(type_: str, inputs: dict[str, Any]) -> None:
    assert shared(type_, inputs)


@pytest.mark.parametrize(
    "type_", [t.NOTIFICATION_POLICY_WEBHOOKS, t.ZERO_TRUST_ACCESS_POLICY, t.ZERO_TRUST_ACCESS_SERVICE_TOKEN]
)
def test_what_has_an_id_and_a_mere_title_is_another_thing_each_time(type_: ResourceType) -> None:
    assert type_.identity_inputs == EACH_NEW
    assert not shared(type_, {"accountId": ACCOUNT, "name": "x"})


@pytest.mark.parametrize(
    ("type_", "ours", "theirs", "same"),
    [
        (t.SCHEDULER_SCHEDULE, {"name": "nightly"}, {"name": "nightly", "groupName": "default"}, True),
        (t.SCHEDULER_SCHEDULE, {"name": "nightly"}, {"name": "nightly", "groupName": "jobs"}, False),
        (t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, {}, {"accountId": OWNER}, True),
        (t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, {}, {"accountId": "8" * 12}, False),
        (t.LAMBDA_FUNCTION, {"name": "report"}, {"name": "report", "region": "eu-west-1"}, False),
        (t.IAM_ROLE, {"name": "deploy"}, {"name": "deploy", "region": "eu-west-1"}, True),
        (t.QUEUE, {"accountId": ACCOUNT, "queueName": "x"}, {"accountId": "b" * 32, "queueName": "x"}, False),
        (t.SNS_TOPIC, {"name": UNKNOWN}, {"name": UNKNOWN}, False),
        (t.SNS_TOPIC, {"name": "x", "region": UNKNOWN}, {"name": "x"}, False),
    ],
)
def test_what_is_left_out_counts_as_what_the_cloud_takes_for_it(
    type_: str, ours: dict[str, Any], theirs: dict[str, Any], same: bool
) -> None:
    assert shared(type_, ours, theirs) is same


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (t.LAMBDA_PERMISSION, STARTS),
        (t.LAMBDA_FUNCTION, {}),
        (t.SCHEDULER_SCHEDULE, {}),
        (t.BUDGET, {}),
        (t.BUDGET_ACTION, {"budgetName": "cost"}),
        (t.GITHUB_REPOSITORY_RULESET, {"repository": "harbor"}),
        (t.ZERO_TRUST_ACCESS_APPLICATION, {"accountId": ACCOUNT}),
        (t.KMS_KEY, {}),
    ],
)
def test_what_the_provider_names_itself_is_a_new_thing_each_time(type_: str, inputs: dict[str, Any]) -> None:
    assert not shared(type_, inputs)


@pytest.mark.parametrize("type_", [t.LAMBDA_FUNCTION, t.SQS_QUEUE, t.IAM_POLICY])
def test_in_accounts_of_their_own_two_things_may_have_one_name(type_: str) -> None:
    assert not shared(type_, {"name": "x"}, together=False)


def test_a_bucket_is_the_same_in_whichever_account() -> None:
    assert shared(t.S3_BUCKET, {"bucket": "x"}, together=False)
