"""Jobs in AWS and visitors of Cloudflare Access: two stages that have them are apart, and each reference is judged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from bulkhead.analysis import plan as planning
from bulkhead.analysis.isolation.check import isolation
from bulkhead.analysis.plan import Program
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.resources import types as t
from infra.product import PRODUCT
from tests.support.jobs_program import deploy_jobs
from tests.support.plans import changed
from tests.support.settings_fixture import make_settings

STAGES = ("staging", "production")
THEIRS = f"ap-northeast-1:{'3' * 12}"
QUEUE = f"arn:aws:sqs:{THEIRS}:harbor-production-jobs"
FUNCTION = f"arn:aws:lambda:{THEIRS}:function:harbor-production-report"
KEY = f"arn:aws:kms:{THEIRS}:key/<production/Key/jobs-key>"
ROLE = f"arn:aws:iam::{'3' * 12}:role/harbor-production-jobs-role"
POLICY = f"arn:aws:iam::{'3' * 12}:policy/harbor-production-jobs"
FUNCTIONS, CONSUMERS, RIGHTS, VISITORS = (
    "functions and schedules",
    "queue consumers",
    "rights of roles",
    "Access policies",
)
KEYS, NOTICES, HOSTS, PARTS = "keys", "notices and alarms", "hostnames and routes", "Worker parts"
RESOURCES = "policies of buckets, keys and topics"
_IAM = "definition.iamActionDefinition"

# Where a reference of staging is turned to production, and the kind of it; the name tells two of a type apart.
LEAKS: list[tuple[str, str, str, Any, str]] = [
    (t.LAMBDA_FUNCTION, "report", "role", ROLE, RIGHTS),
    (t.LAMBDA_FUNCTION, "report", "kmsKeyArn", KEY, KEYS),
    (t.LAMBDA_FUNCTION, "report", "deadLetterConfig.targetArn", QUEUE, CONSUMERS),
    (t.LAMBDA_PERMISSION, "report-by-schedule", "function", FUNCTION, FUNCTIONS),
    (t.LAMBDA_PERMISSION, "report-by-schedule", "sourceArn", f"arn:aws:sns:{THEIRS}:x", RESOURCES),
    (t.LAMBDA_PERMISSION, "report-by-schedule", "principal", "3" * 12, RESOURCES),
    (t.SCHEDULER_SCHEDULE, "nightly", "target.arn", FUNCTION, FUNCTIONS),
    (t.SCHEDULER_SCHEDULE, "hourly", "target.roleArn", ROLE, RIGHTS),
    (t.SCHEDULER_SCHEDULE, "nightly", "target.deadLetterConfig.arn", QUEUE, CONSUMERS),
    (t.SQS_QUEUE, "jobs", "kmsMasterKeyId", KEY, KEYS),
    (t.SQS_QUEUE, "jobs", "redrivePolicy", json.dumps({"deadLetterTargetArn": QUEUE}), CONSUMERS),
    (t.SQS_QUEUE, "jobs-failed", "redriveAllowPolicy", json.dumps({"sourceQueueArns": [QUEUE]}), CONSUMERS),
    (t.SQS_QUEUE_POLICY, "jobs-policy", "queueUrl", f"https://sqs/{'3' * 12}/harbor-production-jobs", CONSUMERS),
    (t.KMS_REPLICA_KEY, "jobs-replica", "primaryKeyArn", KEY, KEYS),
    (t.IAM_ROLE, "jobs-role", "permissionsBoundary", POLICY, RIGHTS),
    (t.IAM_ROLE_POLICY_ATTACHMENT, "jobs-managed", "role", "harbor-production-jobs-role", RIGHTS),
    (t.CLOUDWATCH_METRIC_ALARM, "report-errors", "alarmActions", [FUNCTION], NOTICES),
    (t.CLOUDWATCH_COMPOSITE_ALARM, "everything", "actionsSuppressor.alarm", "harbor-production-report-errors", NOTICES),
    (t.BUDGET_ACTION, "jobs-stop", "budgetName", "harbor-production-jobs", NOTICES),
    (t.BUDGET_ACTION, "jobs-stop", "executionRoleArn", ROLE, RIGHTS),
    (t.BUDGET_ACTION, "jobs-stop", f"{_IAM}.roles", ["harbor-production-jobs-role"], RIGHTS),
    (t.BUDGET_ACTION, "jobs-stop", f"{_IAM}.policyArn", POLICY, RIGHTS),
    (t.NOTIFICATION_POLICY, "notices", "mechanisms.webhooks.0.id", "<production/Webhooks/chat>", NOTICES),
    (t.ZERO_TRUST_ACCESS_APPLICATION, "office", "policies.0.id", "<production/Policy/staff>", VISITORS),
    (t.ZERO_TRUST_ACCESS_APPLICATION, "office", "destinations.0.uri", "office.harbor.example/desk", HOSTS),
    (t.ZERO_TRUST_ACCESS_APPLICATION, "office", "destinations.0.workerId", "<production/Worker/web>", PARTS),
    (t.ZERO_TRUST_ACCESS_POLICY, "staff", "includes.0.group.id", "<production/Group/staff>", VISITORS),
    (t.ZERO_TRUST_ACCESS_POLICY, "staff", "includes.1.serviceToken.tokenId", "<production/Token/robot>", VISITORS),
]


@pytest.fixture(scope="module", autouse=True)
def with_jobs() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "PROGRAMS", (*planning.PROGRAMS, Program("jobs", deploy_jobs)))
        yield


@cache  # nothing in a plan is changed; `changed` makes another one
def make(stage: str, *, together: bool = False) -> StagePlan:
    changes: dict[str, Any] = {}
    if together:
        role = {"accountId": "9" * 12, "roleArn": f"arn:aws:iam::{'9' * 12}:role/bulkhead-{stage}"}
        changes = {"cloudflare": {"accountId": "a" * 32, "zoneId": "b" * 32}, "aws": role}
    return planning.plan(PRODUCT, stage, make_settings(stage, changes))


@pytest.fixture(scope="module")
def apart() -> tuple[StagePlan, StagePlan]:
    return make("staging"), make("production")


@pytest.mark.parametrize("together", [False, True])
def test_stages_with_jobs_and_visitors_are_apart(together: bool) -> None:
    found = isolation([make(stage, together=together) for stage in STAGES])
    assert [(leak.place, leak.wrong) for leak in found.leaks] == []
    counted = {count.kind: count.references for count in found.counts}
    own = len(jobs_of(make_settings("production"), read_tasks()))  # each of them is named three times
    assert counted["functions and schedules"] == 3 * own + 3
    assert counted["Access policies"] == 3


@pytest.mark.parametrize(("type_", "name", "path", "value", "kind"), LEAKS)
def test_a_reference_that_leads_to_another_stage_is_a_leak_of_its_kind(
    apart: tuple[StagePlan, StagePlan], type_: str, name: str, path: str, value: Any, kind: str
) -> None:
    staging, production = apart
    found = isolation([changed(staging, type_, path, value, name=name), production]).leaks
    assert {(leak.kind, leak.whose) for leak in found} == {(kind, "production")}


def of_nobody(value: Any) -> Any:
    """Return a value that names nothing of any stage, where ``value`` names something of production."""
    if isinstance(value, list):
        return [of_nobody(item) for item in value]
    return re.sub("<production.*>|harbor-production|harbor.example", "somebodys", value).replace("3" * 12, "8" * 12)


@pytest.mark.parametrize(("type_", "name", "path", "value", "kind"), LEAKS)
def test_a_reference_that_leads_to_nothing_of_the_stage_is_a_leak_too(
    apart: tuple[StagePlan, StagePlan], type_: str, name: str, path: str, value: Any, kind: str
) -> None:
    staging, production = apart
    found = isolation([changed(staging, type_, path, of_nobody(value), name=name), production]).leaks
    assert {(leak.kind, leak.whose) for leak in found} == {(kind, "")}


def test_a_function_that_anybody_may_start_lets_in_every_stage(apart: tuple[StagePlan, StagePlan]) -> None:
    staging, production = apart
    anybody = changed(staging, t.LAMBDA_PERMISSION, "principal", "*")
    leaks = isolation([changed(anybody, t.LAMBDA_PERMISSION, "sourceArn", ...), production]).leaks
    assert [(leak.kind, leak.path) for leak in leaks] == [
        (RESOURCES, "permission.Statement[without a Sid].Principal.AWS")
    ]


def test_whom_a_policy_excludes_is_no_reference(apart: tuple[StagePlan, StagePlan]) -> None:
    staging, production = apart
    excluding = changed(staging, t.ZERO_TRUST_ACCESS_POLICY, "excludes", [{"group": {"id": "somebodys"}}])
    assert isolation([excluding, production]).leaks == ()


@pytest.mark.parametrize("name", ["harbor-production-vault-333333333333", "harbor-production-token-jobs"])
def test_what_a_job_is_told_of_another_stage_is_a_leak(apart: tuple[StagePlan, StagePlan], name: str) -> None:
    staging, production = apart
    told = {"task": "backup", "vault": name}
    leading = changed(
        staging, t.LAMBDA_FUNCTION, "environment.variables.BULKHEAD_JOB", json.dumps(told), name="jobs-backup"
    )
    [leak] = isolation([leading, production]).leaks
    assert (leak.resource, leak.whose) == ("Function jobs-backup", "production")
