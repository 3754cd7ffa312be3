"""After each `up` of a deployment the twin of the stage's state lies where pull requests and validations read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.delivery import twins
from bulkhead.delivery.checkout_stack import CheckoutStack
from bulkhead.engine.stack import StackCli
from bulkhead.twin.store import fetch, place_of
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.memory_s3 import MemoryS3
from tests.support.settings_fixture import write_stage_files

BUCKET = "harbor-staging-state-222222222222"
ALARM = {"urn": "urn:pulumi:staging::bulkhead::toy:index:Alarm::a", "type": "toy:index:Alarm", "inputs": {"name": "a"}}
Publish = Callable[[], list[str]]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> MemoryS3:
    s3 = MemoryS3()
    monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: lambda service: s3)
    return s3


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pulumi: FakePulumi, bucket: MemoryS3) -> Publish:
    """Bring the stage up and return what a person was told."""
    checkout = tmp_path / "checkout"
    (checkout / "policies").mkdir(parents=True)
    (checkout / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    work_in(monkeypatch, checkout)
    write_stage_files(checkout)
    (checkout / "Pulumi.yaml").write_text("name: bulkhead\nruntime: python\n")
    pulumi.holds([ALARM])
    pulumi.plans({})
    stack, said = StackCli("staging", checkout), list[str]()

    def up() -> list[str]:
        def published() -> None:
            twins.publish(stack, checkout, BUCKET, None, said.append)

        CheckoutStack(stack, pytest.fail, said.append, protected=False, publish=published).up(triggers=True)
        return said

    return up


def test_what_an_up_has_made_is_in_the_twin_in_the_stage_s_own_bucket(
    publish: Publish, bucket: MemoryS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = publish()
    assert any(BUCKET in line for line in said)
    assert list(bucket.there) == ["twins/bulkhead/staging.json"]
    reader: Any = type("Session", (), {"__init__": lambda self, **_: None, "client": lambda self, _name: bucket})
    monkeypatch.setattr("boto3.Session", reader)
    place = place_of(f"s3://{BUCKET}", tmp_path / "checkout", "staging", None, reading=True)
    twin, _ = fetch(place, "bulkhead", "staging")
    assert [each["inputs"]["name"] for each in twin.resources] == ["a"]


def test_that_it_could_not_be_published_is_said_and_fails_no_deployment(
    publish: Publish, bucket: MemoryS3, pulumi: FakePulumi
) -> None:
    pulumi.fails("preview", "error: no such plugin")
    said = "\n".join(publish())
    assert "The twin of staging was not published" in said
    assert f"bulkhead twin publish staging --to s3://{BUCKET}" in said
    assert bucket.there == {}


def test_a_secret_that_stands_in_the_state_unmarked_is_published_nowhere(
    publish: Publish, bucket: MemoryS3, pulumi: FakePulumi
) -> None:
    value = "hunter2-hunter2-hunter2"
    (pulumi.folder / "secret").write_text(json.dumps({"bulkhead:key": {"value": value, "secret": True}}))
    pulumi.holds([{**ALARM, "inputs": {"note": f"with {value} in it"}}])
    said = "\n".join(publish())
    assert "was not published" in said
    assert value not in said
    assert bucket.there == {}
