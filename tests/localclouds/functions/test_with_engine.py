"""Functions and schedules under the real engine: made from an archive, the same when nothing changed, and they run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.automation import Stack

from bulkhead.engine.finder import find_engine
from bulkhead.localclouds.aws.handlers import handlers
from bulkhead.localclouds.aws.inventory import inventory
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.functions.jobs import Jobs
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store
from tests.support.functions import document, statement, trust, zipped
from tests.support.provider_cloud import Cloud

pytestmark = pytest.mark.slow

REGION = "ap-northeast-1"


@pytest.fixture
def cloud(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("PATH", str(find_engine().path.parent), prepend=":")
    store = Store(tmp_path / "store.sqlite")
    server = ProviderServer(ProviderServicer(Dispatch(Resources(Registry(handlers(local_aws)), store), {})))
    yield Cloud(server, store, tmp_path)
    server.stop()
    store.close()


def _day() -> tuple[datetime, datetime]:
    return datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC)


def program(account: str, archive: Path, hour: int) -> None:
    provider = aws.Provider("aws", region=REGION, profile="p", allowed_account_ids=[account])
    opts = pulumi.ResourceOptions(provider=provider)
    queue = aws.sqs.Queue("failed", name="jobs-failed", sqs_managed_sse_enabled=True, opts=opts)
    rights = queue.arn.apply(lambda arn: document(statement("sqs:SendMessage", resource=arn), statement("lambda:*")))
    role = aws.iam.Role(
        "jobs", name="jobs", assume_role_policy=trust("lambda.amazonaws.com", "scheduler.amazonaws.com"), opts=opts
    )
    policy = aws.iam.RolePolicy("jobs", name="rights", role=role.name, policy=rights, opts=opts)
    log = aws.cloudwatch.LogGroup("jobs", name="/jobs", retention_in_days=90, opts=opts)
    function = aws.lambda_.Function(
        "job",
        name="job",
        role=role.arn,
        runtime=aws.lambda_.Runtime.PYTHON3D13,
        architectures=["arm64"],
        handler="job.handler",
        code=pulumi.FileArchive(str(archive)),
        timeout=60,
        memory_size=256,
        environment=aws.lambda_.FunctionEnvironmentArgs(variables={"JOB": queue.arn}),
        dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=queue.arn),
        logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=log.name),
        opts=pulumi.ResourceOptions(provider=provider, depends_on=[policy]),
    )
    aws.lambda_.FunctionEventInvokeConfig("job", function_name=function.name, maximum_retry_attempts=1, opts=opts)
    group = aws.scheduler.ScheduleGroup("jobs", name="jobs", opts=opts)
    aws.scheduler.Schedule(
        "job",
        name="job",
        group_name=group.name,
        schedule_expression=f"cron(0 {hour} * * ? *)",
        schedule_expression_timezone="Asia/Tokyo",
        flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
        target=aws.scheduler.ScheduleTargetArgs(arn=function.arn, role_arn=role.arn, input="{}"),
        opts=opts,
    )


def test_jobs_are_made_run_change_and_go(cloud: Cloud, local_aws: LocalAws, account: str, tmp_path: Path) -> None:
    archive, jobs = tmp_path / "jobs.zip", Jobs(local_aws.endpoint, account, REGION)

    def stack(answer: str, hour: int = 2) -> Stack:
        archive.write_bytes(zipped(f"def handler(event, context):\n    return {answer!r}"))
        return cloud.stack("staging", lambda: program(account, archive, hour))

    def answered() -> list[str]:
        (moment, schedule), *_ = jobs.due(*_day())
        return [json.loads(each.answer) for each in jobs.fire(schedule["Name"], moment).ran]

    made = stack("one")
    assert made.up().summary.resource_changes == {"create": 10}
    assert made.up().summary.resource_changes == {"same": 10}
    assert made.refresh().summary.resource_changes == {"same": 10}
    assert answered() == ["one"]
    assert stack("two", hour=3).up().summary.resource_changes == {"update": 2, "same": 8}
    assert answered() == ["two"]
    assert [f"{moment:%H:%M}" for moment, _ in jobs.due(*_day())] == ["18:00"]
    made.destroy()
    assert not inventory(local_aws.endpoint, account, REGION).alive()
