"""A plan is what the programs would tell the engine, and needs nothing but them and the settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pytest

from bulkhead.analysis import plan as planning
from bulkhead.analysis.plan import Program
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.analysis.stages import plans_of, read_stages
from bulkhead.engine.render import Unrenderable
from bulkhead.model.faults import Refused
from bulkhead.model.product import Product, Worker
from bulkhead.model.settings import StageSettings
from bulkhead.resources import types as t
from bulkhead.resources.planned import Sealed
from bulkhead.resources.values import UNKNOWN
from infra.product import PRODUCT
from tests.support.plans import STAGES, planned
from tests.support.settings_fixture import make_settings, write_stage_files
from tests.support.stages import rendered_identities, rendered_stage

ONE = Product("one", workers=(Worker("solo", "tests/support/hello.js"),))


def sealed_in(value: Any) -> Iterator[str]:
    if isinstance(value, Sealed):
        yield str(value.content)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from sealed_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from sealed_in(item)


def plan_of(program: Any, monkeypatch: pytest.MonkeyPatch) -> StagePlan:
    """Return the plan of staging with this program as the only one."""

    def run(product: Product, settings: StageSettings, secrets: Mapping[str, pulumi.Output[str]]) -> None:
        program(secrets)

    monkeypatch.setattr(planning, "PROGRAMS", (Program("trial", run),))
    return planning.plan(ONE, "staging", make_settings("staging"))


@pytest.mark.parametrize("stage", STAGES)
def test_everything_the_programs_register_is_in_the_plan(stage: str) -> None:
    registered = [*rendered_stage("first", stage).resources, *rendered_identities("first", stage).resources]
    expected = {(one.type, one.name, one.protect) for one in registered if not one.name.endswith("-b")}  # one slot
    assert {(one.type, one.name, one.protect) for one in planned(stage).resources} == expected


def test_each_resource_is_there_once_and_the_order_is_always_the_same() -> None:
    urns = [resource.urn for resource in planned("staging").resources]
    again = planning.plan(PRODUCT, "staging", make_settings("staging"))
    assert urns == [resource.urn for resource in again.resources] == sorted(set(urns))
    shown = [json.dumps(resource.inputs, default=repr) for resource in planned("staging").resources]
    assert shown == [json.dumps(resource.inputs, default=repr) for resource in again.resources]


def test_what_a_cloud_makes_up_is_unmistakably_of_the_stage() -> None:
    (database,) = planned("staging").of(t.D1_DATABASE)
    assert database.id == "<staging/D1Database/d1-main>"
    (key, *_) = planned("staging").of(t.KMS_KEY)
    assert key.outputs["arn"] == f"arn:aws:kms:ap-northeast-1:{'2' * 12}:key/{key.id}"
    (topic,) = (each for each in planned("staging").of(t.SNS_TOPIC) if each.name == "budget-topic")
    assert topic.id == f"arn:aws:sns:ap-northeast-1:{'2' * 12}:harbor-staging-topic-cost"
    (bucket, *_) = planned("staging").of(t.S3_BUCKET)
    assert (bucket.id, bucket.outputs["arn"]) == (bucket.inputs["bucket"], f"arn:aws:s3:::{bucket.inputs['bucket']}")


def test_ids_arrive_where_the_program_sends_them() -> None:
    (version,) = (one for one in planned("staging").of(t.WORKER_VERSION) if one.name == "clerk-version")
    (binding,) = (one for one in version.inputs["bindings"] if one["type"] == "d1")
    assert binding["databaseId"] == "<staging/D1Database/d1-main>"
    assert version.sources["bindings"]


def test_nothing_of_a_whole_stage_stays_unknown() -> None:
    for stage in STAGES:
        for resource in planned(stage).resources:
            assert repr(UNKNOWN) not in json.dumps(resource.inputs, default=repr), resource.title


def test_every_secret_is_a_placeholder_and_sealed() -> None:
    found = {text for resource in planned("staging").resources for text in sealed_in(resource.inputs)}
    assert "<staging/secret/sessionKey>" in found
    assert all(text.startswith("<staging/secret/") for text in found)
    assert "secret/" not in repr([(one.inputs, one.outputs) for one in planned("staging").resources])


def test_a_pull_requests_stack_has_no_identities() -> None:
    assert {resource.project for resource in planned("pr-42").resources} == {"bulkhead"}
    assert {resource.project for resource in planned("staging").resources} == {"bulkhead", "bulkhead-identities"}


def test_workers_need_not_be_built_and_no_engine_need_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    product = replace(ONE, workers=(replace(ONE.workers[0], bundle="worker/dist/never-built.js"),))
    plan = planning.plan(product, "staging", make_settings("staging"))
    assert plan.product is product
    (version,) = plan.of(t.WORKER_VERSION)
    assert version.inputs["modules"][0]["contentFile"] == "bulkhead/analysis/no_bundle.js"


def test_what_no_cloud_is_known_to_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def program(secrets: object) -> None:
        provider = cloudflare.Provider("cloudflare", api_token="t")
        own = pulumi.ResourceOptions(provider=provider)
        worker = cloudflare.Worker("w", account_id="a", name="w", opts=own)
        cloudflare.WorkersKvNamespace("k", account_id="a", title=worker.created_on, opts=own)
        cloudflare.R2Bucket("r", account_id="a", name=pulumi.Output.format("x-{0}", worker.created_on), opts=own)

    plan = plan_of(program, monkeypatch)
    assert plan.of(t.WORKERS_KV_NAMESPACE)[0].inputs["title"] is UNKNOWN
    assert plan.of(t.R2_BUCKET)[0].inputs["name"] is UNKNOWN


def test_what_the_program_itself_made_secret_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    def program(secrets: object) -> None:
        provider = cloudflare.Provider("cloudflare", api_token="t")
        own = pulumi.ResourceOptions(provider=provider)
        cloudflare.LogpushJob("l", account_id="a", dataset="d", destination_conf="s3://bucket", opts=own)

    (job,) = plan_of(program, monkeypatch).of(t.LOGPUSH_JOB)
    assert job.inputs["destinationConf"].content == "s3://bucket"
    assert "bucket" not in repr(job)


def test_what_is_looked_up_is_told_from_what_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def program(secrets: object) -> None:
        shared = pulumi.StackReference("organization/bulkhead/production")
        provider = aws.Provider("aws", region="ap-northeast-1", allowed_account_ids=["2" * 12])
        own = pulumi.ResourceOptions(provider=provider)
        topic = aws.sns.Topic.get("theirs", "arn:aws:sns:::theirs", opts=own)
        aws.sns.TopicPolicy("p", arn=topic.id, policy=shared.get_output("policy"), opts=own)

    plan = plan_of(program, monkeypatch)
    assert {(one.type, one.id) for one in plan.resources if one.read} == {
        ("pulumi:pulumi:StackReference", "organization/bulkhead/production"),
        (t.SNS_TOPIC, "arn:aws:sns:::theirs"),
    }
    (policy,) = plan.of(t.SNS_TOPIC_POLICY)
    assert policy.inputs == {"arn": "arn:aws:sns:::theirs", "policy": UNKNOWN}


def test_a_program_that_asks_a_cloud_cannot_be_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unrenderable, match="getCallerIdentity"):
        plan_of(lambda secrets: aws.get_caller_identity(), monkeypatch)


def test_two_resources_of_one_name_cannot_be_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    def program(secrets: object) -> None:
        for _ in range(2):
            cloudflare.Provider("cloudflare", api_token="t")

    with pytest.raises(Unrenderable, match="two resources"):
        plan_of(program, monkeypatch)


def test_faults_in_the_settings_are_said_for_all_stages_at_once(tmp_path: Path) -> None:
    write_stage_files(tmp_path)
    files = [tmp_path / f"Pulumi.{stack}.yaml" for stack in ("staging", "production", "pr-42")]
    assert [settings.environment for settings in read_stages(files)] == ["staging", "production", "pr-42"]
    for file in files[:2]:
        file.write_text(file.read_text().replace("bulkhead:owner: platform", "bulkhead:owner: ''"))
    with pytest.raises(Refused) as refused:
        read_stages(files)
    assert [(fault.file, fault.key) for fault in refused.value.faults] == [
        ("Pulumi.staging.yaml", "bulkhead:owner"),
        ("Pulumi.production.yaml", "bulkhead:owner"),
    ]


def test_each_stage_is_planned_with_the_product_its_settings_name() -> None:
    named = make_settings("pr-42", {"product": "tests.support.second_product:SECOND_PRODUCT"})
    (plan,) = plans_of([named])
    assert plan.product.name == "corner"
    assert plan.label.prefix == "corner-pr-42-"
