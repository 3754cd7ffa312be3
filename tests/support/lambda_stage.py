"""A stage's jobs where AWS is moto and Cloudflare the local one: what a job is told, and who calls it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from jobs import run
from jobs.config import VARIABLE
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api, open_api
from tests.support.sqlite_stage import SqliteStage

VAULT = "harbor-staging-vault"
STATE = "harbor-staging-state"
PARAMETER = "/harbor/staging/token"
LIVES = {"daily": 7, "weekly": 28, "monthly": 366, "yearly": 1827, "interim": 7}
DATABASES = f"/accounts/{ACCOUNT}/d1/database"


@dataclass
class Context:
    """What Lambda tells a handler of its invocation."""

    left: float = 900.0  # seconds
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    invoked_function_arn: str = "arn:aws:lambda:ap-northeast-1:111111111111:function:backup"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left * 1000)


class Invocations:
    """Lambda as a job asks it to go on: it notes what it is asked, or fails."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fails: Exception | None = None

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803 - boto3's names
        assert InvocationType == "Event"
        if self.fails:
            raise self.fails
        self.events.append(json.loads(Payload))


@dataclass
class LambdaStage:
    """``s3`` and ``cloudwatch`` are clients that nothing goes wrong for."""

    api: Api
    cloudflare: ApiServer
    stage: SqliteStage
    s3: Any
    cloudwatch: Any
    monkeypatch: pytest.MonkeyPatch
    invocations: Invocations = field(default_factory=Invocations)
    databases: dict[str, dict[str, str]] = field(default_factory=dict)

    def database(self, name: str, statements: Sequence[str]) -> Path:
        """Make a database; return the file that it is."""
        id_ = self.api.result("POST", DATABASES, {"name": f"harbor-staging-d1-{name}"})["uuid"]
        self.databases[name] = {"id": id_, "name": f"harbor-staging-d1-{name}"}
        self.write(name, *statements)
        return self.file(name)

    def write(self, name: str, *statements: str) -> None:
        with closing(sqlite3.connect(self.file(name), isolation_level=None)) as connection:
            connection.execute("BEGIN")
            for each in statements:
                connection.execute(each)
            connection.execute("COMMIT")

    def file(self, name: str) -> Path:
        return self.stage.d1_file(self.databases[name]["id"])

    def told(self, task: str, **other: Any) -> dict[str, Any]:
        """Return what a job is told."""
        return {
            "task": task,
            "product": "harbor",
            "stage": "staging",
            "environment": "staging",
            "timezone": "Asia/Tokyo",
            "account": ACCOUNT,
            "cloudflare": f"{self.cloudflare.url}{PREFIX}",
            "vault": VAULT,
            "vault_key": "arn:aws:kms:ap-northeast-1:111111111111:key/00000000-0000-0000-0000-000000000000",
            "state": STATE,
            "token_parameter": PARAMETER,
            "lives": LIVES,
            "locks": {},
            "release": "abc",
            "databases": self.databases,
            **other,
        }

    def call(
        self,
        handler: run.Handler,
        task: str,
        scheduled: str | None = None,
        *,
        context: Context | None = None,
        event: Mapping[str, Any] | None = None,
        **other: Any,
    ) -> dict[str, Any]:
        """Call a handler as Lambda does: by the schedule, or with an event."""
        self.monkeypatch.setenv(VARIABLE, json.dumps(self.told(task, **other)))
        return handler(event or ({"scheduled": scheduled} if scheduled else {}), context or Context())

    def listed(self, bucket: str = VAULT, prefix: str = "") -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]

    def read(self, key: str, bucket: str = VAULT) -> bytes:
        content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def record(self, task: str, stamped: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read(f"{run.RUNS}{task}/{stamped}.json", STATE))
        return found

    def metric(self, name: str, **dimensions: str) -> list[float]:
        """Return the values that were put of a metric, of those with these dimensions."""
        wanted = {"environment": "staging", "product": "harbor", **dimensions}
        pages = self.cloudwatch.list_metrics(Namespace=run.NAMESPACE, MetricName=name)["Metrics"]
        named = [{each["Name"]: each["Value"] for each in one["Dimensions"]} for one in pages]
        if wanted not in named:
            return []
        asked = {"Namespace": run.NAMESPACE, "MetricName": name}
        told = [{"Name": key, "Value": value} for key, value in wanted.items()]
        data = self.cloudwatch.get_metric_data(
            MetricDataQueries=[
                {"Id": "m", "MetricStat": {"Metric": {**asked, "Dimensions": told}, "Period": 86400, "Stat": "Maximum"}}
            ],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2040-01-01T00:00:00Z",
        )
        values: list[float] = data["MetricDataResults"][0]["Values"]
        return values


def open_stage(folder: Path, s3: Any, ssm: Any, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> LambdaStage:
    """Return a stage; whoever opens it ends its server."""
    for bucket in (VAULT, STATE):
        s3.create_bucket(Bucket=bucket)
    ssm.put_parameter(Name=PARAMETER, Value=TOKEN, Type="SecureString")
    stage = SqliteStage(folder)
    api = open_api(folder, stage=lambda _environment: stage)
    found = LambdaStage(api, ApiServer(api.app), stage, s3, cloudwatch, monkeypatch)
    monkeypatch.setattr(run.Aws, "lambda_", found.invocations)
    return found
