"""The states of a stage are copied whole, as they are at one moment."""

from __future__ import annotations

import hashlib
import json

import pytest

from jobs.run import JobFailed
from jobs.state import handler
from tests.support.lambda_stage import STATE, LambdaStage

DUE = "2026-12-06T19:30:00Z"
FOLDER = "state/20261206T193000Z"


def put(stage: LambdaStage, **states: bytes) -> None:
    for key, body in states.items():
        stage.s3.put_object(Bucket=STATE, Key=key, Body=body)


def test_every_stack_is_copied_and_nothing_else(stage: LambdaStage) -> None:
    checkpoint = json.dumps({"version": 3, "checkpoint": {"stack": "staging"}}).encode() * 20_000
    put(
        stage,
        **{
            ".pulumi/meta.yaml": b"version: 1",
            ".pulumi/stacks/bulkhead/staging.json": checkpoint,
            ".pulumi/stacks/bulkhead/staging.json.bak": b"old",
            ".pulumi/stacks/bulkhead/staging.json.attrs": b"{}",
            ".pulumi/stacks/bulkhead-identities/staging.json.gz": b"packed",
            ".pulumi/history/bulkhead/staging/1.json": b"{}",
            "journal/staging.json": b"{}",
        },
    )
    answer = stage.call(handler, "state", DUE)
    assert stage.listed(prefix="state/") == [
        f"{FOLDER}/bulkhead-identities/staging.json.gz",
        f"{FOLDER}/bulkhead/staging.json",
        f"{FOLDER}/manifest.json",
    ]
    assert stage.read(f"{FOLDER}/bulkhead/staging.json") == checkpoint
    manifest = json.loads(stage.read(f"{FOLDER}/manifest.json"))
    told = {"sha256": hashlib.sha256(checkpoint).hexdigest(), "bytes": len(checkpoint)}
    assert manifest["stacks"]["bulkhead/staging.json"] == told
    assert answer["summary"]["folder"] == f"{FOLDER}/"


def test_a_bucket_without_a_stack_is_no_success(stage: LambdaStage) -> None:
    put(stage, **{".pulumi/meta.yaml": b"version: 1"})
    with pytest.raises(JobFailed, match="holds no stack"):
        stage.call(handler, "state", DUE)
    assert stage.listed(prefix="state/") == []


def test_an_empty_state_is_not_kept_for_one(stage: LambdaStage) -> None:
    put(stage, **{".pulumi/stacks/bulkhead/staging.json": b""})
    with pytest.raises(JobFailed, match=r"staging\.json is empty\. fix: "):
        stage.call(handler, "state", DUE)
    assert stage.listed(prefix="state/") == []
