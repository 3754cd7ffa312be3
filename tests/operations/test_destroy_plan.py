"""What goes with a stage is read from its state: all of it, nothing else, and never production's."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.operations.destroy_plan import DestroyPlan, destroy_plan, next_commands, refuse_production, unsettled
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from infra.product import PRODUCT
from tests.support.stages import rendered_stage
from tests.support.state import state_of

State = list[dict[str, Any]]


@pytest.fixture
def staging() -> State:
    return state_of(rendered_stage("first", "staging"), "staging")


def _of(state: State, type_: str) -> dict[str, Any]:
    return next(one for one in state if one["type"] == type_)


def held(plan: DestroyPlan, type_: str) -> list[str]:
    return [name for row, name in plan.holders if row == type_]


def test_whatever_holds_something_is_named_or_is_a_bucket(staging: State) -> None:
    holding = {one["type"] for one in staging if (row := CATALOGUE.get(one["type"])) and row.holds_data}
    assert {row for row, _ in destroy_plan("staging", staging).holders} == holding - {t.R2_BUCKET, t.S3_BUCKET}


def test_everything_the_program_makes_is_found_by_name(staging: State) -> None:
    going = destroy_plan("staging", staging)
    assert going.environment == "staging"
    assert held(going, t.D1_DATABASE) == ["harbor-staging-d1-main"]
    assert held(going, t.WORKERS_KV_NAMESPACE) == sorted(f"harbor-staging-kv-{one.name}" for one in PRODUCT.namespaces)
    assert held(going, t.KMS_KEY) == ["alarms-key", "budget-key", "jobs-log-key", "vault-key"]
    assert going.buckets == ("harbor-staging-r2-transcripts",)
    assert going.vault == ("harbor-staging-vault-222222222222", "harbor-staging-vault-log-222222222222")
    assert going.hostnames == ("staging.harbor.example",)
    assert dict(going.workers)["harbor-staging-worker-assistant"] == ("Conversation",)
    assert [field.name for field in fields(DestroyPlan) if not getattr(going, field.name)] == []


def test_only_what_exists_in_a_cloud_is_counted(staging: State) -> None:
    real = [one for one in staging if one.get("custom") and not one["type"].startswith("pulumi:")]
    assert 20 < len(real) < len(staging)
    assert destroy_plan("staging", staging).resources == len(real)


def test_a_stage_that_never_came_up_whole_loses_what_it_has(staging: State) -> None:
    bucket = _of(staging, "cloudflare:index/r2Bucket:R2Bucket")
    going = destroy_plan("staging", [staging[0], bucket])
    assert going.resources == 1
    assert going.buckets == ("harbor-staging-r2-transcripts",)
    assert (going.holders, going.workers, going.vault) == ((), (), ())


def test_an_empty_state_loses_nothing() -> None:
    assert destroy_plan("staging", []).resources == 0


@pytest.mark.parametrize("kept", ["external", "retainOnDelete"])
def test_what_a_destroy_leaves_in_its_cloud_is_not_lost(staging: State, kept: str) -> None:
    before = destroy_plan("staging", staging)
    _of(staging, "cloudflare:index/r2Bucket:R2Bucket")[kept] = True
    after = destroy_plan("staging", staging)
    assert after.buckets == ()
    assert after.resources == before.resources - 1


def test_a_resource_that_is_being_replaced_is_named_once(staging: State) -> None:
    old = {**_of(staging, "cloudflare:index/d1Database:D1Database"), "delete": True}
    assert held(destroy_plan("staging", [*staging, old]), t.D1_DATABASE) == ["harbor-staging-d1-main"]


def test_a_class_that_a_worker_has_given_up_is_not_lost_again(staging: State) -> None:
    for version in (one for one in staging if one["type"] == "cloudflare:index/workerVersion:WorkerVersion"):
        version["inputs"]["exports"] = {
            "Old": {"type": "durable-object", "state": "deleted"},
            "Api": {"type": "worker"},
        }
    assert [classes for _, classes in destroy_plan("staging", staging).workers if classes] == []


def test_what_somebody_has_protected_is_refused_before_anything_is_emptied(staging: State) -> None:
    _of(staging, "cloudflare:index/d1Database:D1Database")["protect"] = True
    with pytest.raises(Refused, match="Nothing was done") as refused:
        destroy_plan("staging", staging)
    (fault,) = refused.value.faults
    assert fault.key == "d1-main"
    assert fault.fix.startswith("pulumi state unprotect 'urn:pulumi:staging::")
    assert fault.fix.endswith("d1-main' --stack staging")


def test_production_is_refused_by_its_name_and_by_its_protection() -> None:
    production = state_of(rendered_stage("first", "production"), "production")
    with pytest.raises(Refused, match="never destroyed by a command"):
        destroy_plan("production", production)
    with pytest.raises(Refused, match="protected") as refused:
        destroy_plan("staging", production)  # a state that was imported into the wrong stack
    assert len(refused.value.faults) > 20


@pytest.mark.parametrize(
    "stack",
    [
        "production",
        "Production",
        "production ",
        "prod",
        "production-2",
        "harbor/production",
        "org/harbor/production",
        "",
    ],
)
def test_no_spelling_of_production_gets_through(stack: str) -> None:
    with pytest.raises(Refused):
        refuse_production(stack)


@pytest.mark.parametrize("stack", ["development", "staging", "pr-42"])
def test_the_other_stages_may_be_destroyed(stack: str) -> None:
    refuse_production(stack)
    assert destroy_plan(stack, []).environment == stack


def test_only_creations_are_unsettled() -> None:
    begun = [{"type": kind, "resource": {"urn": f"urn:{kind}"}} for kind in ("creating", "deleting", "updating")]
    assert unsettled(begun) == ["urn:creating"]


def test_a_pull_requests_stack_goes_and_a_stage_comes_back() -> None:
    assert next_commands("pr-42") == ["pulumi stack rm pr-42", "rm Pulumi.pr-42.yaml"]
    assert next_commands("staging") == ["pulumi up -s staging"]
