"""The jobs as they are deployed: their very .zip file, called by a schedule, with the rights that they need alone."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.model.jobs_zip import jobs_zip
from jobs.config import CLOUDFLARE, VARIABLE
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api
from tests.support.functions import Account, document, statement
from tests.support.lambda_stage import DATABASES, LIVES
from tests.support.sqlite_stage import SqliteStage

pytestmark = pytest.mark.slow

TOKEN_NAME = "/harbor/staging/token"
LOG = "/harbor/staging/backup"
QUEUE = "harbor-staging-jobs"


@dataclass
class Deployed:
    """A stage with one database and the job that backs it up every night at two o'clock in Tokyo."""

    aws: Account
    vault: str
    state: str
    key: str
    rights: list[dict[str, Any]]

    def grant(self, *without: str) -> None:
        """Give the job its rights, but for actions that ``without`` names."""
        kept = [
            {**each, "Action": actions}
            for each in self.rights
            if (actions := [a for a in each["Action"] if a not in without])
        ]
        self.aws.aws("iam").put_role_policy(RoleName="backup", PolicyName="rights", PolicyDocument=document(*kept))

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        found = self.aws.aws("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", ())]

    def read(self, bucket: str, key: str) -> bytes:
        content: bytes = self.aws.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content


@pytest.fixture
def deployed(local_aws: LocalAws, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    aws, stage = Account(local_aws, account), SqliteStage(tmp_path)
    api = open_api(tmp_path, stage=lambda _environment: stage)
    server = ApiServer(api.app)
    monkeypatch.setitem(local_aws.functions.addresses, CLOUDFLARE, f"{server.url}{PREFIX}")
    database = api.result("POST", DATABASES, {"name": "harbor-staging-d1-main"})["uuid"]
    with closing(sqlite3.connect(stage.d1_file(database))) as connection:
        connection.executescript(
            "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT); INSERT INTO words VALUES (1, 'kumo')"
        )
    yield _deployed(aws, database)
    server.stop()
    api.journal.close()
    api.resources.store.close()


def _deployed(aws: Account, database: str) -> Deployed:
    vault, state = f"vault-{aws.number}", f"state-{aws.number}"
    for bucket in (vault, state):
        where = {"LocationConstraint": aws.local.region}
        aws.aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    aws.aws("s3").put_bucket_versioning(Bucket=vault, VersioningConfiguration={"Status": "Enabled"})
    key = aws.aws("kms").create_key()["KeyMetadata"]["Arn"]
    aws.aws("kms").create_alias(AliasName="alias/harbor-staging-vault", TargetKeyId=key)
    aws.aws("ssm").put_parameter(Name=TOKEN_NAME, Value=TOKEN, Type="SecureString")
    aws.aws("logs").create_log_group(logGroupName=LOG)
    queue, function = aws.queue(QUEUE), aws.arn("lambda", "function:harbor-staging-backup")
    objects = [f"arn:aws:s3:::{state}/jobs/leases/backup", f"arn:aws:s3:::{state}/jobs/runs/backup/*"]
    called = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/harbor-staging-vault"}}
    own = {"StringEquals": {"cloudwatch:namespace": "Bulkhead"}}
    found = Deployed(
        aws,
        vault,
        state,
        key,
        [
            statement("ssm:GetParameter", resource=aws.arn("ssm", "parameter/harbor/staging/token")),
            statement("s3:ListBucket", resource=[f"arn:aws:s3:::{vault}", f"arn:aws:s3:::{state}"]),
            statement("s3:GetObject", "s3:PutObject", resource=[*objects, f"arn:aws:s3:::{vault}/database/*"]),
            statement("kms:Decrypt", "kms:GenerateDataKey", resource=aws.arn("kms", "key/*"), Condition=called),
            statement("cloudwatch:PutMetricData", Condition=own),
            statement("sqs:SendMessage", resource=queue),
            statement("logs:CreateLogStream", "logs:PutLogEvents", resource=aws.arn("logs", f"log-group:{LOG}:*")),
        ],
    )
    role = aws.role("backup")
    found.grant()
    aws.aws("lambda").create_function(
        FunctionName="harbor-staging-backup",
        Role=role,
        Runtime="python3.13",
        Handler="jobs.backup.handler",
        Code={"ZipFile": jobs_zip().content},
        Timeout=900,
        MemorySize=256,
        Environment={"Variables": {VARIABLE: json.dumps(_told(found, database))}},
        DeadLetterConfig={"TargetArn": queue},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": LOG},
    )
    caller = aws.role("schedules", statement("lambda:InvokeFunction", resource=function))
    aws.schedule("harbor-staging-backup", "cron(0 2 * * ? *)", "Asia/Tokyo", function, caller)
    return found


def _told(deployed: Deployed, database: str) -> dict[str, Any]:
    return {
        "task": "backup",
        "product": "harbor",
        "stage": "staging",
        "environment": "staging",
        "timezone": "Asia/Tokyo",
        "account": ACCOUNT,
        "cloudflare": CLOUDFLARE,
        "vault": deployed.vault,
        "vault_key": deployed.key,
        "state": deployed.state,
        "token_parameter": TOKEN_NAME,
        "lives": LIVES,
        "locks": {},
        "databases": {"main": {"id": database, "name": "harbor-staging-d1-main"}},
    }


def test_two_nights_are_backed_up(deployed: Deployed) -> None:
    start = datetime(2026, 11, 30, 12, tzinfo=ZoneInfo("Asia/Tokyo"))
    fired = deployed.aws.jobs.between(start, start + timedelta(days=2))
    assert [each.due for each in fired] == [
        datetime(2026, 11, 30, 17, tzinfo=UTC),
        datetime(2026, 12, 1, 17, tzinfo=UTC),
    ]
    assert not any(each.failed for each in fired), fired[0].ran[-1].lines
    daily = [key for key in deployed.keys(deployed.vault, "database/daily/main/") if key.endswith(".sql.gz")]
    assert len(daily) == 2
    assert "kumo" in gzip.decompress(deployed.read(deployed.vault, daily[0])).decode()
    (lease, *runs) = deployed.keys(deployed.state, "jobs/")
    assert lease == "jobs/leases/backup"
    assert [json.loads(deployed.read(deployed.state, each))["status"] for each in runs] == ["done", "done"]
    assert max(each.peak for each in (*fired[0].ran, *fired[1].ran)) < 128


def test_it_tells_what_it_did_in_its_log_and_nothing_of_its_token(deployed: Deployed) -> None:
    fired = deployed.aws.jobs.fire("backup", datetime(2026, 11, 30, 17, tzinfo=UTC))
    assert not fired.failed, fired.ran[-1].lines
    logs = deployed.aws.aws("logs")
    (stream,) = logs.describe_log_streams(logGroupName=LOG)["logStreams"]
    told = logs.get_log_events(logGroupName=LOG, logStreamName=stream["logStreamName"])["events"]
    lines = [json.loads(each["message"]) for each in told]
    assert {each["service"] for each in lines} == {"backup"}
    assert TOKEN not in json.dumps(told) + json.dumps(fired.ran[0].document())


@pytest.mark.parametrize("right", ["ssm:GetParameter", "kms:GenerateDataKey", "s3:PutObject"])
def test_without_a_right_it_fails_is_tried_again_and_its_event_is_kept(deployed: Deployed, right: str) -> None:
    deployed.grant(right)
    fired = deployed.aws.jobs.fire("backup", datetime(2026, 11, 30, 17, tzinfo=UTC))
    assert fired.failed
    assert [each.attempt for each in fired.ran] == [1, 2, 3]
    assert not any(key.endswith(".json") for key in deployed.keys(deployed.vault))
    (message,) = deployed.aws.messages(QUEUE)
    assert json.loads(message["Body"]) == {"scheduled": "2026-11-30T17:00:00Z"}
