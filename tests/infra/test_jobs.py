"""The jobs of a stage: what runs, when, by which role, and what it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.engine.rendered import Rendered
from bulkhead.model.bindings import DurableObject, Secret
from bulkhead.model.jobs_zip import jobs_zip
from bulkhead.model.product import StageSecret, Worker
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.resources import types as t
from jobs.config import CLOUDFLARE, VARIABLE, parsed
from jobs.objects import Offer
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings
from tests.support.stages import FIRST_PRODUCT, render_stage, rendered_identities, rendered_stage

kept_stages = pytest.mark.parametrize("environment", ["staging", "production"])
KINDS = (
    t.CLOUDWATCH_LOG_GROUP,
    t.LAMBDA_FUNCTION,
    t.LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG,
    t.SCHEDULER_SCHEDULE,
)


def functions(stage: Rendered) -> dict[str, dict[str, Any]]:
    """Return the inputs of each function by the name of its job."""
    return {each.name.removeprefix("jobs-"): dict(each.inputs) for each in stage.of(t.LAMBDA_FUNCTION)}


def told(function: dict[str, Any]) -> str:
    [(name, text)] = function["environment"]["variables"].items()
    assert name == VARIABLE
    return str(text)


@kept_stages
def test_what_is_on_the_list_of_a_stage_runs_there_and_nothing_else(environment: str) -> None:
    stage, jobs = rendered_stage("first", environment), jobs_of(make_settings(environment), read_tasks())
    assert jobs
    for kind in KINDS:
        assert {each.name for each in stage.of(kind)} == {f"jobs-{job.name}" for job in jobs}
    made = functions(stage)
    for job in jobs:
        schedule = stage.one(t.SCHEDULER_SCHEDULE, f"jobs-{job.name}").inputs
        assert schedule["scheduleExpression"] == job.schedule
        assert schedule["target"]["arn"].endswith(f":function:jobs-{job.name}")
        assert (made[job.name]["handler"], made[job.name]["timeout"], made[job.name]["memorySize"]) == (
            job.function.handler,
            job.function.seconds,
            job.function.memory,
        )


def test_a_stage_without_backups_and_a_pull_request_s_have_none() -> None:
    keeps = {"backup": {"full": "daily"}}
    for stage in (
        rendered_stage("first", "development"),
        render_stage(FIRST_PRODUCT, "pr-42", keeps),
        render_stage(FIRST_PRODUCT, "staging", {"backup": {"full": "none"}}),
    ):
        assert not [each for kind in (*KINDS, t.SCHEDULER_SCHEDULE_GROUP, t.SQS_QUEUE) for each in stage.of(kind)]
    assert functions(render_stage(FIRST_PRODUCT, "development", keeps))


def test_a_schedule_is_in_the_stage_s_own_time_at_that_very_minute() -> None:
    stage = render_stage(FIRST_PRODUCT, "staging", {"timezone": "America/New_York"})
    schedule = stage.one(t.SCHEDULER_SCHEDULE, "jobs-backup").inputs
    assert (schedule["scheduleExpression"], schedule["scheduleExpressionTimezone"]) == (
        "cron(0 2 * * ? *)",
        "America/New_York",
    )
    assert schedule["flexibleTimeWindow"] == {"mode": "OFF"}
    assert json.loads(schedule["target"]["input"]) == {"scheduled": "<aws.scheduler.scheduled-time>"}


@kept_stages
@pytest.mark.parametrize("product", ["first", "second"])
def test_a_job_is_told_its_own_stage_and_no_secret(environment: str, product: str) -> None:
    stage = rendered_stage(product, environment)
    other = {"staging": "production", "production": "staging"}[environment]
    for task, function in functions(stage).items():
        text = told(function)
        config = parsed(text)
        assert (config.task, config.environment, config.timezone) == (task, environment, "Asia/Tokyo")
        assert config.databases.keys() == {
            each.name for each in (FIRST_PRODUCT if product == "first" else SECOND_PRODUCT).databases
        }
        assert config.vault == f"{config.product}-{environment}-vault-{make_settings(environment).aws.account_id}"
        holder = "drill" if task == "drill" else "jobs"
        assert config.token_parameter == f"{config.product}-{environment}-token-{holder}"
        assert CLOUDFLARE in text  # what is in the code alone, no rehearsal can lead to its own clouds
        assert other not in text
        assert "canary-" not in text
        assert len(json.dumps({VARIABLE: text})) < 4096  # Lambda: all variables of a function


def test_what_is_kept_and_locked_is_what_the_settings_say() -> None:
    production, staging = (
        parsed(told(functions(rendered_stage("first", stage))["backup"])) for stage in ("production", "staging")
    )
    assert production.lives == {"daily": 7, "weekly": 28, "monthly": 366, "yearly": 1827, "interim": 7}
    assert production.locks == {"daily": 7, "weekly": 28, "monthly": 35, "yearly": 35, "interim": 7}
    assert (staging.lives, staging.locks) == ({"daily": 7, "weekly": 28, "monthly": 366}, {})


@kept_stages
def test_every_role_that_something_acts_by_is_made_by_the_identities(environment: str) -> None:
    stage, account = rendered_stage("first", environment), make_settings(environment).aws.account_id
    made = {
        f"arn:aws:iam::{account}:role{role.inputs['path']}{role.inputs['name']}"
        for role in rendered_identities("first", environment).of(t.IAM_ROLE)
    }
    acts = {function["role"] for function in functions(stage).values()}
    acts |= {each.inputs["target"]["roleArn"] for each in stage.of(t.SCHEDULER_SCHEDULE)}
    assert len(acts) == len(functions(stage)) + 1  # one a job, and one that starts them
    assert acts <= made


def test_all_jobs_are_one_archive_on_the_processor_that_the_settings_say() -> None:
    stage = render_stage(FIRST_PRODUCT, "staging", {"jobs": {"architecture": "x86_64"}})
    archives = {function["code"]["path"] for function in functions(stage).values()}
    assert [Path(each).read_bytes() for each in archives] == [jobs_zip().content]
    assert {tuple(function["architectures"]) for function in functions(stage).values()} == {("x86_64",)}
    assert {tuple(each["architectures"]) for each in functions(rendered_stage("first", "staging")).values()} == {
        ("arm64",)
    }


@kept_stages
def test_what_a_job_says_is_encrypted_with_a_key_of_the_stage_and_gone_after_a_time(environment: str) -> None:
    stage = rendered_stage("first", environment)
    for group in stage.of(t.CLOUDWATCH_LOG_GROUP):
        assert group.inputs["kmsKeyId"].endswith("key/jobs-log-key")
        assert group.inputs["retentionInDays"] == 90
    groups = {each.inputs["name"] for each in stage.of(t.CLOUDWATCH_LOG_GROUP)}
    assert {function["loggingConfig"]["logGroup"] for function in functions(stage).values()} == groups
    _, logs = json.loads(stage.one(t.KMS_KEY, "jobs-log-key").inputs["policy"])["Statement"]
    assert logs["Principal"] == {"Service": "logs.ap-northeast-1.amazonaws.com"}
    account = make_settings(environment).aws.account_id
    assert logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"] == (
        f"arn:aws:logs:ap-northeast-1:{account}:log-group:harbor-{environment}-log-*"
    )


@kept_stages
def test_what_cannot_be_handled_waits_in_one_encrypted_queue(environment: str) -> None:
    stage = rendered_stage("first", environment)
    queue = stage.one(t.SQS_QUEUE)
    arn = f"arn:aws:sqs:ap-northeast-1:{make_settings(environment).aws.account_id}:{queue.name}"
    assert queue.inputs["name"] == f"harbor-{environment}-job-failed"
    assert queue.inputs["sqsManagedSseEnabled"] is True
    assert {function["deadLetterConfig"]["targetArn"] for function in functions(stage).values()} == {arn}
    targets = [each.inputs["target"] for each in stage.of(t.SCHEDULER_SCHEDULE)]
    assert {target["deadLetterConfig"]["arn"] for target in targets} == {arn}
    assert all(target["retryPolicy"]["maximumRetryAttempts"] for target in targets)


def test_a_job_knows_which_objects_the_product_hands_out_and_which_it_does_not() -> None:
    ledger = DurableObject("LEDGER", "BookingLedger", worker="booking")
    exporter = Worker(
        "exporter",
        "worker/dist/web.js",
        host="export",
        exports=("BookingLedger",),
        bindings=(ledger, Secret("EXPORT_KEY", "exportKey")),
    )
    secrets = (*FIRST_PRODUCT.secrets, StageSecret("exportKey", jobs=True))
    product = replace(FIRST_PRODUCT, workers=(*FIRST_PRODUCT.workers, exporter), secrets=secrets)
    offer = parsed(
        told(functions(render_stage(product, "staging", other_secrets={"exportKey": "made-up"}))["objects"])
    ).objects
    assert offer == {
        "url": f"https://export.{make_settings('staging').cloudflare.hostname}",
        "key": "harbor-staging-parameter-export-key",
        "classes": {"BookingLedger": "harbor-staging-worker-booking"},
        "unexported": ["Conversation"],
    }
    assert Offer(**offer).classes == offer["classes"]
    without = parsed(told(functions(rendered_stage("first", "staging"))["objects"])).objects
    assert without == {"unexported": ["BookingLedger", "Conversation"]}
