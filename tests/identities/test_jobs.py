"""The identities of the jobs: what each may do, who may take its role, and the tokens that they hold."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.tasks import Job, jobs_of, read_tasks
from bulkhead.resources import types as t
from bulkhead.resources.permissions import D1_READ, D1_WRITE, KV_READ, OBJECTS_READ
from bulkhead.resources.planned import Sealed
from identities.cloudflare import needs
from identities.job_permissions import HANDLERS, job_grants, scheduler_grants
from tests.support.settings_fixture import make_settings, secret_value
from tests.support.stages import (
    FIRST_PRODUCT,
    JOBS,
    SLOTS,
    render_identities,
    rendered_identities,
    rendered_stage,
)

SETTINGS = make_settings("production")
SCOPE = aws_scope_of(SETTINGS.label("harbor"), SETTINGS)
VAULT = "arn:aws:s3:::harbor-production-vault-333333333333"
STATE = "arn:aws:s3:::harbor-production-state-333333333333"

every_job = pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)


def may(job: Job, action: str, resource: str) -> bool:
    """Whether the job's role allows an action on a resource, conditions aside."""
    return any(
        action in grant.actions and any(fnmatchcase(resource, pattern) for pattern in grant.resources)
        for grant in job_grants(job, SCOPE)
    )


def of(name: str) -> Job:
    [job] = [each for each in JOBS if each.name == name]
    return job


def test_every_handler_of_the_list_has_its_rights_and_no_other_has_any() -> None:
    assert {task.job.handler for task in read_tasks() if task.job} == HANDLERS.keys()


@every_job
def test_a_job_keeps_its_lease_in_an_encrypted_bucket_and_opens_no_secret_with_that_key(job: Job) -> None:
    using = [each for each in job_grants(job, SCOPE) if "kms:GenerateDataKey" in each.actions]
    [conditions] = [each.conditions for each in using if SCOPE.secrets_alias in str(each.conditions)]
    assert conditions["StringEquals"] == {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"}


@every_job
def test_a_job_removes_nothing_of_the_vault_and_changes_no_rights(job: Job) -> None:
    actions = {action for grant in job_grants(job, SCOPE) for action in grant.actions}
    assert not {each for each in actions if "*" in each or "Version" in each.partition("Delete")[2] or "Policy" in each}
    assert not {each for each in actions if "Bypass" in each or each.startswith(("iam:", "sts:"))}
    for key in (
        "database/daily/main/a.sql.gz",
        "bookmarks/main/a.json",
        "state/20261129T193000Z/manifest.json",
        "kv/a",
    ):
        assert not may(job, "s3:DeleteObject", f"{VAULT}/{key}")
    if job.name != "mirror":  # which marks what is gone; the versions stay
        assert not may(job, "s3:DeleteObject", f"{VAULT}/storage/reports/a")
    assert not may(job, "s3:DeleteObject", f"{STATE}/.pulumi/stacks/bulkhead/production.json")


def test_who_renews_locks_of_old_copies_writes_none_and_touches_no_other() -> None:
    assert may(of("renew"), "s3:PutObjectRetention", f"{VAULT}/database/yearly/main/a.sql.gz")
    assert not may(of("renew"), "s3:PutObjectRetention", f"{VAULT}/database/daily/main/a.sql.gz")
    assert not may(of("renew"), "s3:PutObject", f"{VAULT}/database/yearly/main/a.sql.gz")


def test_who_reads_backups_back_writes_none() -> None:
    assert may(of("verify"), "s3:GetObject", f"{VAULT}/database/daily/main/a.sql.gz")
    assert may(of("verify"), "s3:PutObject", f"{STATE}/jobs/verified/a.json")
    assert not may(of("verify"), "s3:PutObject", f"{VAULT}/database/daily/main/a.sql.gz")


@every_job
def test_a_job_writes_its_own_lease_record_and_log_and_no_other_one_s(job: Job) -> None:
    assert may(job, "s3:PutObject", f"{STATE}/jobs/leases/{job.name}")
    assert may(job, "s3:PutObject", f"{STATE}/jobs/runs/{job.name}/20261130T170000Z.json")
    log = "arn:aws:logs:ap-northeast-1:333333333333:log-group:harbor-production-log-{}:log-stream:x"
    assert may(job, "logs:PutLogEvents", log.format(job.name))
    for other in {each.name for each in JOBS} - {job.name}:
        assert not may(job, "s3:PutObject", f"{STATE}/jobs/leases/{other}")
        assert not may(job, "logs:PutLogEvents", log.format(other))
    for key in (".pulumi/stacks/bulkhead/production.json", "delivery/production/lease.json"):
        assert not may(job, "s3:PutObject", f"{STATE}/{key}")


def test_a_backup_is_added_and_read_and_nothing_else_of_the_vault() -> None:
    for name in ("backup", "interim"):
        assert may(of(name), "s3:PutObject", f"{VAULT}/database/daily/main/a.sql.gz")
        assert may(of(name), "s3:GetObject", f"{VAULT}/database/daily/main/a.json")
        assert may(of(name), "s3:PutObjectRetention", f"{VAULT}/database/yearly/main/a.sql.gz")
        assert not may(of(name), "s3:PutObject", f"{VAULT}/bookmarks/main/a.json")
        assert not may(of(name), "s3:PutObject", f"{VAULT}/storage/reports/a")
    assert may(of("bookmark"), "s3:PutObject", f"{VAULT}/bookmarks/main/a.json")
    assert not may(of("bookmark"), "s3:GetObject", f"{VAULT}/database/daily/main/a.sql.gz")
    assert may(of("state"), "s3:GetObject", f"{STATE}/.pulumi/stacks/bulkhead/production.json")
    assert not may(of("state"), "ssm:GetParameter", "*")
    assert not may(of("backup"), "s3:GetObject", f"{STATE}/.pulumi/stacks/bulkhead/production.json")


@every_job
def test_a_number_is_put_into_the_stage_s_own_namespace(job: Job) -> None:
    [grant] = [each for each in job_grants(job, SCOPE) if "cloudwatch:PutMetricData" in each.actions]
    assert grant.conditions == {"StringEquals": {"cloudwatch:namespace": "Bulkhead"}}


def test_the_schedules_start_the_jobs_and_nothing_else() -> None:
    start, give_up = scheduler_grants(JOBS, SCOPE)
    assert start.actions == ["lambda:InvokeFunction"]
    function = "arn:aws:lambda:ap-northeast-1:333333333333:function:harbor-production-job"
    assert start.resources == [f"{function}-{job.name}" for job in JOBS]
    assert give_up.resources == ["arn:aws:sqs:ap-northeast-1:333333333333:harbor-production-job-failed"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_job_s_role_is_taken_by_its_service_alone_and_is_below_the_limit(environment: str) -> None:
    identities = rendered_identities("first", environment)
    limit = identities.one(t.IAM_POLICY)
    jobs = [role for role in identities.of(t.IAM_ROLE) if role.name.startswith("jobs-")]
    assert jobs
    for role in jobs:
        assert role.sources["permissionsBoundary"] == (limit.urn,)
        [said] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        service = "scheduler" if role.name == "jobs-schedules" else "lambda"
        assert said["Principal"] == {"Service": f"{service}.amazonaws.com"}


def test_only_schedules_of_the_stage_s_own_group_start_a_job() -> None:
    role = rendered_identities("first", "production").one(t.IAM_ROLE, "jobs-schedules")
    [said] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    group = rendered_stage("first", "production").one(t.SCHEDULER_SCHEDULE_GROUP).inputs["name"]
    assert said["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "333333333333"},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:scheduler:ap-northeast-1:333333333333:schedule-group/{group}"},
    }


def test_the_jobs_read_cloudflare_with_a_token_of_their_own_that_only_reads() -> None:
    identities = rendered_identities("first", "production")
    assert {need.permission for need in needs("jobs", FIRST_PRODUCT)} == {D1_READ, KV_READ, OBJECTS_READ}
    tokens = {each.name for each in identities.of(t.ACCOUNT_TOKEN) if "-jobs-" in each.name}
    assert tokens == {"tokens-jobs-a", "tokens-jobs-b"}
    parameter: dict[str, Any] = dict(identities.one(t.SSM_PARAMETER).inputs)
    assert (parameter["name"], parameter["type"]) == ("harbor-production-token-jobs", "SecureString")
    assert parameter["value"] == Sealed(secret_value("production", f"tokens-jobs-{SLOTS.active}"))
    for stage in ("development", "staging", "production"):
        deploys = rendered_identities("first", stage).one(t.IAM_ROLE_POLICY, "roles-deploy").inputs["policy"]
        assert "token-jobs" not in deploys


def test_the_drill_edits_databases_with_a_token_of_its_own_in_staging_alone() -> None:
    assert {need.permission for need in needs("drill", FIRST_PRODUCT)} == {D1_WRITE}
    staging, production = (rendered_identities("first", stage) for stage in ("staging", "production"))
    named = {str(each.inputs["name"]): each.inputs for each in staging.of(t.SSM_PARAMETER)}
    assert named.keys() == {"harbor-staging-token-jobs", "harbor-staging-token-drill"}
    sealed = Sealed(secret_value("staging", f"tokens-drill-{SLOTS.active}"))
    assert named["harbor-staging-token-drill"]["value"] == sealed
    assert not [each.name for each in production.resources if "drill" in each.name]


def test_the_drill_reads_the_vault_and_verdicts_and_writes_nothing_but_its_records() -> None:
    settings = make_settings("staging")
    scope = aws_scope_of(settings.label("harbor"), settings)
    jobs = {each.name: each for each in jobs_of(settings, read_tasks())}
    allowed = {
        (action, resource)
        for grant in job_grants(jobs["drill"], scope)
        for action in grant.actions
        for resource in grant.resources
    }
    vault, state = (f"arn:aws:s3:::harbor-staging-{kind}-{settings.aws.account_id}" for kind in ("vault", "state"))
    assert ("s3:GetObject", f"{vault}/database/*") in allowed
    assert ("s3:PutObject", f"{state}/jobs/drills/*") in allowed
    assert ("s3:GetObject", f"{state}/jobs/verified/*") in allowed
    assert not {action for action, resource in allowed if resource.startswith(vault) and "Put" in action}
    tokens = {resource for action, resource in allowed if action == "ssm:GetParameter"}
    assert [each.rpartition("/")[2] for each in tokens] == ["harbor-staging-token-drill"]
    verify = {resource for grant in job_grants(jobs["bookmark"], scope) for resource in grant.resources}
    assert not any("token-drill" in each for each in verify)


def test_a_stage_without_jobs_has_no_identities_for_them() -> None:
    without = render_identities(FIRST_PRODUCT, "staging", {"backup": {"full": "none"}})
    for identities in (rendered_identities("first", "development"), without):
        assert not [each for each in identities.resources if each.name.startswith(("jobs", "tokens-jobs"))]
        assert "PassRole" not in identities.one(t.IAM_ROLE_POLICY, "roles-deploy").inputs["policy"]
