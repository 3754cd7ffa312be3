"""A backup of a large database needs no more memory than one of a small one, and an ill S3 does not harm it."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.model.project import ROOT
from jobs.backup import handler
from jobs.config import VARIABLE
from jobs.d1.load import into_file
from jobs.d1.manifest import parsed
from tests.support.d1_databases import NASTY, contents
from tests.support.lambda_stage import STATE, VAULT, LambdaStage, open_stage
from tests.support.scripted_http import Asked, Between, served

pytestmark = pytest.mark.slow

NIGHT = "2026-11-30T17:00:00Z"
KEY = "database/daily/main/backup_staging_main_20261130T170000Z"
COUNTED = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
LARGE = (
    "CREATE TABLE many (id INTEGER PRIMARY KEY, at TEXT, n REAL, note TEXT)",
    f"INSERT INTO many {COUNTED.format(count=100_000)} SELECT i, 'at ' || i, i / 7.0, hex(randomblob(100)) FROM n",
    "CREATE TABLE wide (id INTEGER PRIMARY KEY, a BLOB, b BLOB)",
    f"INSERT INTO wide {COUNTED.format(count=1_000)} SELECT i, randomblob(30000), randomblob(30000) FROM n",
    "CREATE TABLE long (id INTEGER PRIMARY KEY, a BLOB)",
    f"INSERT INTO long {COUNTED.format(count=20)} SELECT i, randomblob(1900000) FROM n",
)
PROGRAM = """
import re, sys
from pathlib import Path
from types import SimpleNamespace
from jobs.backup import handler
handler({"scheduled": sys.argv[1]}, SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000))
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.fixture
def behind(
    local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[LambdaStage, Between]]:
    """A stage whose jobs reach AWS through somebody in between."""
    account = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in account.items():
        monkeypatch.setenv(name, value)
    names: tuple[Any, ...] = ("s3", "ssm", "cloudwatch")
    s3, ssm, cloudwatch = (boto3.client(name, endpoint_url=local_aws.endpoint) for name in names)
    between = Between(local_aws.endpoint)
    with served(between) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        stage = open_stage(tmp_path, s3, ssm, cloudwatch, monkeypatch)
        yield stage, between
        stage.cloudflare.stop()
    for bucket in (VAULT, STATE):
        for key in stage.listed(bucket):
            stage.s3.delete_object(Bucket=bucket, Key=key)
        stage.s3.delete_bucket(Bucket=bucket)
    ssm.delete_parameter(Name=stage.told("backup")["token_parameter"])
    stage.api.journal.close()
    stage.api.resources.store.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process by itself")
def test_a_large_database_is_backed_up_in_128_megabytes(behind: tuple[LambdaStage, Between]) -> None:
    stage, _ = behind
    file = stage.database("main", LARGE)
    environment = {**os.environ, VARIABLE: json.dumps(stage.told("backup", lives={"daily": 7}))}
    command = [sys.executable, "-c", PROGRAM, NIGHT]
    said = subprocess.check_output(command, cwd=ROOT, env=environment, text=True).splitlines()
    assert int(said[-1]) <= 128, said
    manifest = parsed(stage.read(f"{KEY}.json").decode())
    assert manifest.bytes > 2 * file.stat().st_size * 0.8  # blobs are hex digits
    restored = file.with_name("back.sqlite")
    into_file(io.BytesIO(stage.read(f"{KEY}.sql.gz")), manifest, restored, source="harbor/staging/main")


def put(end: str) -> Callable[[Asked], bool]:
    return lambda asked: end in asked.path and asked.method in {"PUT", "POST"}


WHERE = ("uploads", "partNumber", "uploadId", ".json", "jobs/leases", "jobs/runs")
FAULTS = ("500", "503", "dropped", "answer lost", "slow")
USUAL = {("partNumber", "500"), ("uploadId", "answer lost"), (".json", "dropped"), ("jobs/leases", "answer lost")}


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        pytest.param(*each, marks=() if each in USUAL else pytest.mark.faults)
        for each in itertools.product(WHERE, FAULTS)
    ],
)
def test_an_s3_that_is_ill_for_a_moment_gets_the_backup_all_the_same(
    behind: tuple[LambdaStage, Between], where: str, fault: str, tmp_path: Path
) -> None:
    stage, between = behind
    file = stage.database("main", NASTY)
    between.plan = [(put(where), fault)]
    assert stage.call(handler, "backup", NIGHT, lives={"daily": 7, "weekly": 28})["status"] == "done"
    assert between.plan == []
    for tier in ("daily", "weekly"):
        key = KEY.replace("daily", tier)
        manifest = parsed(stage.read(f"{key}.json").decode())
        restored = tmp_path / f"{tier}.back"
        into_file(io.BytesIO(stage.read(f"{key}.sql.gz")), manifest, restored, source="harbor/staging/main")
        assert contents(restored) == contents(file)
