"""The frame of a job: what happens around its work, whatever the work is.

One run of a task at a time, recorded and told in the log; a run that comes near Lambda's fifteen minutes goes on in
another invocation; a failure is recorded and raised again, so that Lambda tries once more and then calls.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.config import Config as Behaviour
from botocore.exceptions import BotoCoreError, ClientError

from jobs import config as configs
from jobs.cloudflare import Cloudflare
from jobs.config import Config, Misconfigured
from jobs.lease import TAKEN, Busy, Lease, Lost
from jobs.local_time import shown
from jobs.log import Log, masked
from jobs.vault import Vault, moment, stamp

NAMESPACE: Final = "Bulkhead"
LEASES: Final = "jobs/leases/"
RUNS: Final = "jobs/runs/"
FORMAT: Final = 1
MARGIN: Final = 45.0
"""Seconds before Lambda's end, in which a run writes down how far it came."""
# Of S3 and its like: a part of 8 MB is sent within a minute, or again.
_BEHAVIOUR: Final = Behaviour(
    connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 6}
)


class JobFailed(Exception):
    """The work could not be done; the text says all that is wrong, and what mends it."""


@dataclass(frozen=True, slots=True)
class Done:
    """The work is done; ``summary`` is recorded."""

    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The rest is the next invocation's, which is told ``cursor``: JSON, and small."""

    cursor: Mapping[str, Any]


Outcome = Done | HandOver
Work = Callable[["Job"], Outcome]
Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


class Aws:
    """The clients of a job, made when they are needed; boto3 finds the role, the region and, in a rehearsal, the local
    clouds in the environment."""

    @cached_property
    def s3(self) -> Any:
        return boto3.client("s3", config=_BEHAVIOUR)

    @cached_property
    def ssm(self) -> Any:
        return boto3.client("ssm", config=_BEHAVIOUR)

    @cached_property
    def cloudwatch(self) -> Any:
        return boto3.client("cloudwatch", config=_BEHAVIOUR)

    @cached_property
    def lambda_(self) -> Any:
        return boto3.client("lambda", config=_BEHAVIOUR)


@dataclass
class Job:
    """What the work of one invocation has. ``scheduled`` is when the run was due (UTC), which names the run; ``cursor``
    is what the invocation before handed over, None in the first."""

    config: Config
    scheduled: datetime
    cursor: Mapping[str, Any] | None
    log: Log
    aws: Aws
    remaining_seconds: Callable[[], float]
    require: Callable[[], None]
    """Raises Lost when another run has taken the task; asked before something is made to count."""
    is_again: bool = False
    """Whether this very part was tried before, and failed."""

    @property
    def task(self) -> str:
        return self.config.task

    @property
    def run(self) -> str:
        return stamp(self.scheduled)

    def now(self) -> datetime:
        return datetime.now(UTC)

    @cached_property
    def cloudflare(self) -> Cloudflare:
        return Cloudflare(self.config.cloudflare, self.config.account, self.token)

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.aws.s3, self.config.vault, self.config.vault_key)

    def metric(self, name: str, value: float, unit: str = "None", **dimensions: str) -> None:
        """Put a number of the stage's; a store's has the dimension ``store``. What cannot be put is said in the log:
        the alarms take a missing number for a bad one."""
        named = {"environment": self.config.environment, "product": self.config.product, **dimensions}
        told = [{"Name": key, "Value": each} for key, each in sorted(named.items())]
        data = {"MetricName": name, "Dimensions": told, "Value": value, "Unit": unit}
        try:
            self.aws.cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[data])
        except (BotoCoreError, ClientError) as error:
            self.log.failed(f"the metric {name} was not put", error)

    def close(self) -> None:
        """Close what was opened."""
        if "cloudflare" in self.__dict__:
            self.cloudflare.close()

    def token(self) -> str:
        """Return Cloudflare's token as it is now."""
        return self.secret(self.config.token_parameter)

    def secret(self, parameter: str) -> str:
        """Return what a parameter of SSM holds."""
        return str(self.aws.ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"])


def handler_of(work: Work) -> Handler:
    """Return the handler of Lambda that does ``work``. Its event is what the schedule sends: ``scheduled``, the time
    that the run was due, which an invocation by hand may leave out; a run that goes on adds ``part`` and ``cursor``."""

    def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        try:
            invocation = _Invocation(configs.parsed(os.environ.get(configs.VARIABLE)), event, context)
        except (Misconfigured, JobFailed) as error:
            Log({"service": "jobs"}).failed("a job cannot begin", error)
            raise
        return invocation.run(work)

    return handler


class _Invocation:
    """One invocation: a run, or the next part of one."""

    def __init__(self, config: Config, event: Mapping[str, Any], context: Any) -> None:
        self._context, self._aws, self._config = context, Aws(), config
        self._began = datetime.now(UTC)
        self._part = int(event.get("part", 1))
        scheduled = _scheduled(event.get("scheduled"), self._began)
        told = {"service": config.task, "environment": config.environment, "release": config.release}
        where = {"pid": os.getpid(), "host": platform.node(), "runtime": f"Python {platform.python_version()}"}
        self._log = Log({**told, **where, "run": stamp(scheduled)})
        key = f"{LEASES}{config.task}"
        self._lease = Lease(self._aws.s3, config.state, key, stamp(scheduled), self._part, lambda: datetime.now(UTC))
        self._job = Job(
            config, scheduled, event.get("cursor"), self._log, self._aws, self._remaining, self._lease.require
        )

    def _remaining(self) -> float:
        return float(self._context.get_remaining_time_in_millis()) / 1000

    def run(self, work: Work) -> dict[str, Any]:
        try:
            with self._lease.held():
                return self._held(work)
        except Busy as busy:
            if self._part > 1 and busy.run != self._job.run:  # else nobody would do the rest, and nobody would know
                self._log.failed(f"{self._config.task} cannot go on", busy)
                raise
            self._log.warn(f"{self._config.task} is busy: {busy}")
            with suppress(ClientError):  # a record that is there says more
                self._record("busy", IfNoneMatch="*")
            return {"status": "busy", "run": self._job.run}
        except Exception as error:
            self._log.failed(f"{self._config.task} failed, due {self._due()}", error)
            raise
        finally:
            self._job.close()

    def _held(self, work: Work) -> dict[str, Any]:
        before = self._begin()
        if before["status"] == "done" or before["part"] > self._part:
            self._log.info("nothing is left to do: AWS delivered this once more")
            return {"status": before["status"], "run": self._job.run}
        self._job.is_again = before["status"] == "failed"
        was_handed_over = before["status"] == "handed-over" and before["part"] == self._part
        if before["status"] != "new":
            self._record("running")
        try:
            # The part that went before this try was killed before the next one began.
            outcome = HandOver(before["cursor"]) if was_handed_over else work(self._job)
            if isinstance(outcome, HandOver):
                self._go_on(outcome.cursor)
        except Lost:  # the record is the other run's by now
            raise
        except BaseException as error:
            self._record("failed", {"error": {"name": type(error).__name__, "message": str(error)}})
            raise
        if isinstance(outcome, HandOver):
            self._log.info(f"{self._config.task} goes on in another invocation", cursor=outcome.cursor)
            return {"status": "handed-over", "run": self._job.run}
        self._record("done", {"summary": outcome.summary})
        self._job.metric("JobHeartbeat", 1, "Count", task=self._config.task)
        self._log.info(f"{self._config.task} is done, due {self._due()}", summary=outcome.summary)
        return {"status": "done", "run": self._job.run, "summary": dict(outcome.summary)}

    def _go_on(self, cursor: Mapping[str, Any]) -> None:
        """Invoke this function once more. The record says so before: the next part may begin at once."""
        self._lease.hand_on()
        self._record("handed-over", {"cursor": cursor})
        event = {"scheduled": self._job.scheduled.isoformat(), "part": self._part + 1, "cursor": cursor}
        try:
            self._aws.lambda_.invoke(
                FunctionName=self._context.invoked_function_arn,
                InvocationType="Event",
                Payload=json.dumps(event).encode(),
            )
        except BaseException:
            self._lease.take_back()
            raise

    def _begin(self) -> dict[str, Any]:
        """Record that the run is under way, or return what is recorded of it already."""
        try:
            self._record("running", IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"].get("Code") not in TAKEN:
                raise
            where = {"Bucket": self._config.state, "Key": self._record_key}
            record: dict[str, Any] = json.loads(self._aws.s3.get_object(**where)["Body"].read())
            return record
        return {"status": "new", "part": 0}

    def _record(self, status: str, told: Mapping[str, Any] | None = None, **condition: str) -> None:
        record = {
            "format": FORMAT,
            "task": self._config.task,
            "run": self._job.run,
            "status": status,
            "part": self._part,
            "scheduled": self._job.scheduled.isoformat(),
            "began": self._began.isoformat(),
            "at": datetime.now(UTC).isoformat(),
            "request": getattr(self._context, "aws_request_id", ""),
            **(told or {}),
        }
        body = json.dumps(masked(record), indent=1).encode()
        where = {"Bucket": self._config.state, "Key": self._record_key}
        self._aws.s3.put_object(**where, Body=body, ContentType="application/json", **condition)

    @property
    def _record_key(self) -> str:
        return f"{RUNS}{self._config.task}/{self._job.run}.json"

    def _due(self) -> str:
        return shown(self._job.scheduled, self._config.timezone)


def _scheduled(said: object, now: datetime) -> datetime:
    """Return when a run was due. Raises JobFailed for what is no time, such as a placeholder nobody filled in."""
    if said is None:
        return moment(stamp(now))
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise JobFailed(f"scheduled: {said!r} is no time with a zone. fix: <aws.scheduler.scheduled-time>")
    return at.astimezone(UTC)
