"""The stage's jobs: functions in another cloud, which schedules start in the stage's own time zone (ADR 0004, 0033)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_aws import lambda_
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.scheduler import (
    Schedule,
    ScheduleFlexibleTimeWindowArgs,
    ScheduleGroup,
    ScheduleTargetArgs,
    ScheduleTargetDeadLetterConfigArgs,
    ScheduleTargetRetryPolicyArgs,
)
from pulumi_aws.sqs import Queue

from bulkhead.model.aws_scope import AwsScope, aws_scope_of
from bulkhead.model.exports import exports_of, unexported
from bulkhead.model.jobs_zip import jobs_zip
from bulkhead.model.naming import Kind, Label, upper_snake
from bulkhead.model.product import Product
from bulkhead.model.project import ROOT
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import Job
from bulkhead.model.vault import locks, tier_days
from infra.components.keys import stage_key
from infra.components.stores import DataStores
from infra.components.vault import BackupVault
from jobs.config import CLOUDFLARE, VARIABLE

# AWS ends it in June 2029 (Lambda Developer Guide, "Lambda runtimes"); the next one has to be tried first.
_RUNTIME: Final = lambda_.Runtime.PYTHON3D13
_LOG_DAYS: Final = 90  # as long as errors are kept (LOG-6): they stand among the other lines
_KEPT_SECONDS: Final = 14 * 86_400  # the longest that SQS takes: somebody may be on holiday
# An event that waited longer than this is given up: the next run is not far, and an alarm tells of it.
_OLDEST_SECONDS: Final = 3600
_STARTS: Final = 5
_RETRIES: Final = 2
_ARCHIVES: Final = ROOT / ".jobs"
_EVENT: Final = json.dumps({"scheduled": "<aws.scheduler.scheduled-time>"})


@dataclass(frozen=True, slots=True)
class ScheduledJobsArgs:
    label: Label
    settings: StageSettings
    product: Product
    jobs: Sequence[Job]
    stores: DataStores
    vault: BackupVault


class ScheduledJobs(pulumi.ComponentResource):
    """A function, a schedule and an encrypted log for each job of the stage, and one queue for the events that nobody
    could handle.

    Each function acts by a role that the identities made for it: whoever deploys may hand these roles over, and write
    none. The code is one archive for all of them; what differs is the handler and one variable.

    Left out: reserved concurrency, which a new account of AWS refuses (it must leave 100 to others); a lease of the
    task keeps two runs apart. Layers, networks, function URLs: a job is reached by its schedule alone.
    """

    def __init__(self, name: str, args: ScheduledJobsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:jobs:ScheduledJobs", name, {}, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        self._scope = aws_scope_of(args.label, args.settings)
        self._code = jobs_zip()
        self._archive = pulumi.FileArchive(str(self._code.written(_ARCHIVES)))
        self._key = stage_key(
            f"{name}-log",
            args.label,
            args.settings.aws.account_id,
            _logs_encrypt(args.label, args.settings, self._scope),
            short="log",
            contents="Logs of jobs",
            opts=self._child,
        )
        self.queue = Queue(
            f"{name}-failed",
            name=self._scope.job_queue,
            message_retention_seconds=_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            opts=self._child,
        )
        self._group = ScheduleGroup(name, name=args.label.name(Kind.JOB), opts=self._child)
        self.functions = {job.name: self._job(name, job) for job in args.jobs}
        self.register_outputs({"functions": {task: made.name for task, made in self.functions.items()}})

    def _job(self, name: str, job: Job) -> lambda_.Function:
        own, called = f"{name}-{job.name}", self._scope.job(job.name)
        function = self._function(own, called, job)
        lambda_.FunctionEventInvokeConfig(
            own,
            function_name=function.name,
            maximum_event_age_in_seconds=_OLDEST_SECONDS,
            maximum_retry_attempts=_RETRIES,
            opts=self._child,
        )
        Schedule(
            own,
            name=called,
            group_name=self._group.name,
            description=job.does,
            schedule_expression=job.schedule,
            schedule_expression_timezone=self._args.settings.timezone,
            flexible_time_window=ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=ScheduleTargetArgs(
                arn=function.arn,
                role_arn=self._scope.service_role(self._scope.scheduler_role),
                input=_EVENT,
                retry_policy=ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=_OLDEST_SECONDS, maximum_retry_attempts=_STARTS
                ),
                dead_letter_config=ScheduleTargetDeadLetterConfigArgs(arn=self.queue.arn),
            ),
            opts=self._child,
        )
        return function

    def _function(self, own: str, called: str, job: Job) -> lambda_.Function:
        log = LogGroup(
            own,
            name=self._scope.job_log(job.name),
            retention_in_days=_LOG_DAYS,
            kms_key_id=self._key.arn,
            opts=self._child,
        )
        return lambda_.Function(
            own,
            name=called,
            description=job.does,
            role=self._scope.service_role(self._scope.job_role(job.name)),
            runtime=_RUNTIME,
            architectures=[self._args.settings.jobs.architecture],
            handler=job.function.handler,
            code=self._archive,
            timeout=job.function.seconds,
            memory_size=job.function.memory,
            ephemeral_storage=lambda_.FunctionEphemeralStorageArgs(size=job.function.storage),
            environment=lambda_.FunctionEnvironmentArgs(variables={VARIABLE: self._told(job)}),
            dead_letter_config=lambda_.FunctionDeadLetterConfigArgs(target_arn=self.queue.arn),
            logging_config=lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=log.name),
            opts=self._child,
        )

    def _told(self, job: Job) -> pulumi.Output[str]:
        """Return what jobs.config reads. No secret: whoever may describe a function reads it."""
        args, scope = self._args, self._scope
        settings, product, stores = args.settings, args.product, args.stores
        told = {
            "task": job.name,
            "product": product.name,
            "stage": settings.stage.value,
            "environment": settings.environment,
            "timezone": settings.timezone,
            "account": settings.cloudflare.account_id,
            "cloudflare": CLOUDFLARE,
            "vault": args.vault.store.name,
            "vault_key": args.vault.key.arn,
            "state": scope.state,
            "token_parameter": scope.job_token(job.holder),
            "release": self._code.release,
            "location": settings.region.d1,
            "lives": tier_days(settings.backup),
            "locks": locks(settings.backup),
            "databases": {
                each.name: {"id": stores.database_id(each.name), "name": stores.databases[each.name].name}
                for each in product.databases
            },
            "buckets": {each.name: {"name": stores.bucket_name(each.name)} for each in product.buckets},
            "namespaces": {name: {"id": stores.namespace_id(name)} for name in settings.backup.kv},
            "objects": self._offer(),
        }
        return pulumi.Output.json_dumps(told, sort_keys=True)

    def _offer(self) -> dict[str, Any]:
        """Return what jobs.objects reads: where the product hands its Durable Objects out, and which it does not."""
        product, label = self._args.product, self._args.label
        left, exports = list(unexported(product)), exports_of(product)
        if exports is None:
            return {"unexported": left}
        host = product.hostnames(self._args.settings.cloudflare.hostname)[exports.worker.name]
        return {
            "url": f"https://{host}",
            "key": label.name(Kind.PARAMETER, upper_snake(exports.key)),
            "classes": {each: label.name(Kind.WORKER, owner) for each, owner in exports.classes.items()},
            "unexported": left,
        }


def _logs_encrypt(label: Label, settings: StageSettings, scope: AwsScope) -> dict[str, Any]:
    groups = scope.arn("logs", f"log-group:{label.name(Kind.LOG)}-*", region=scope.region)
    return {
        "Sid": "LogsEncrypt",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{settings.region.primary}.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    }
