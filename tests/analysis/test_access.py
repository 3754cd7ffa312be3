"""The access matrix says what the plan holds, and says so where the plan does not know."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.analysis.access.markdown import page
from bulkhead.analysis.access.matrix import UNKNOWN_YET, as_json
from bulkhead.analysis.access.of import access_of
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.analysis.stages import chosen
from bulkhead.model.bindings import KV
from bulkhead.model.faults import Refused
from bulkhead.resources import types as t
from bulkhead.resources.planned import Sealed
from bulkhead.resources.values import UNKNOWN
from infra.product import PRODUCT
from tests.support.plans import PRODUCTS, STAGES, added, changed, make_plan, planned
from tests.support.settings_fixture import make_settings

ACCOUNT = "2" * 12


def rows(plan: StagePlan, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = as_json(access_of(plan))["tables"][key]
    return found


def row(plan: StagePlan, key: str, **wanted: Any) -> dict[str, Any]:
    found = [each for each in rows(plan, key) if all(each[name] == value for name, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


STAGING = planned("staging")


@pytest.mark.parametrize(
    ("worker", "binding", "may", "on"),
    [
        ("booking", "DB", "read and write", ["harbor-staging-d1-main"]),
        ("assistant", "ANSWERS", "read and write", ["harbor-staging-kv-answers"]),
        ("assistant", "TRANSCRIPTS", "read and write", ["harbor-staging-r2-transcripts"]),
        ("assistant", "AI", "run models", []),
        ("booking", "LEDGER", "call objects of the class", ["BookingLedger of harbor-staging-worker-booking"]),
        ("booking", "EVENTS", "send", ["harbor-staging-queue-events"]),
        ("web", "BOOKING", "call", ["harbor-staging-worker-booking"]),
        ("web", "SESSION_KEY", "read the secret", ["sessionKey"]),
    ],
)
def test_a_worker_may_what_it_is_bound_to(worker: str, binding: str, may: str, on: list[str]) -> None:
    found = row(STAGING, "workers", worker=[f"harbor-staging-worker-{worker}"], binding=[binding])
    assert (found["may"], found["on"], found["limit"]) == (may, on, "")


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_binding_but_plain_values_has_a_row(product: str) -> None:
    plan = planned("staging", product)
    bound = [
        binding
        for version in plan.of(t.WORKER_VERSION)
        for binding in version.inputs["bindings"]
        if binding["type"] not in {"json", "plain_text", "version_metadata"}
    ]
    assert bound
    assert len(bound) == sum(each["may"] != "consume" for each in rows(plan, "workers"))


def test_reading_alone_is_called_a_guard_and_no_protection() -> None:
    web = next(worker for worker in PRODUCT.workers if worker.name == "web")
    reader = replace(web, bindings=tuple(replace(b, access="read") if isinstance(b, KV) else b for b in web.bindings))
    workers = tuple(reader if worker is web else worker for worker in PRODUCT.workers)
    plan = make_plan(replace(PRODUCT, workers=workers), "staging")
    limited = row(plan, "workers", binding=["SESSIONS"])
    assert limited["may"] == "read and write"
    assert "Cloudflare enforces nothing (get, getWithMetadata, list)" in limited["limit"]


def test_a_consumer_is_named_with_what_becomes_of_failed_messages() -> None:
    assert row(STAGING, "workers", may="consume") == {
        "worker": ["harbor-staging-worker-clerk"],
        "may": "consume",
        "on": ["harbor-staging-queue-events"],
        "binding": "",
        "limit": "after 3 retries a message goes to harbor-staging-queue-events-failed",
    }


def test_what_reaches_a_worker_from_outside_is_listed() -> None:
    assert [(each["who"], each["by"]) for each in rows(STAGING, "entrances")] == [
        ("Cloudflare's schedule", ["*/15 * * * *"]),
        ("visitors", ["staging.harbor.example"]),
    ]
    assert not [each for each in rows(planned("development"), "entrances") if "workers.dev" in each["by"]]
    web = {"enabled": True, "previewsEnabled": False}
    opened = changed(planned("development"), t.WORKER, "subdomain", web, name="web")
    on_workers_dev = [each for each in rows(opened, "entrances") if "workers.dev" in each["by"]]
    assert [each["worker"] for each in on_workers_dev] == [["harbor-development-worker-web"]]


def test_who_may_take_a_role_is_said_with_its_conditions_and_its_limit() -> None:
    (github,) = (
        each for each in rows(STAGING, "roleTrust") if each["role"] == ["bulkhead-staging"] and "oidc" in each["who"][0]
    )
    assert (
        "token.actions.githubusercontent.com:sub StringEquals repo:harbor-inc/harbor:environment:staging"
        in github["when"]
    )
    assert github["limit"] == ["harbor-staging-boundary"]


def test_what_a_role_may_is_told_apart_from_what_it_never_may_and_from_its_limit() -> None:
    state = row(STAGING, "roleRights", statement="KeepState")
    assert (state["effect"], state["role"]) == ("may", ["bulkhead-staging"])
    assert state["actions"] == ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"] or sorted(state["actions"]) == [
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:PutObject",
    ]
    assert row(STAGING, "roleRights", statement="NeverChangeSecretsKey")["actions"][0].startswith("all but kms:")
    assert row(STAGING, "roleRights", statement="OnlyTheseServices")["effect"] == "at most"


def test_services_that_buckets_keys_and_topics_let_in_are_listed() -> None:
    allowed = {
        (each["resource"][0], each["who"][0], each["actions"][0])
        for each in rows(STAGING, "resourcePolicies")
        if each["effect"] == "may"
    }
    assert allowed == {
        ("alias/harbor-staging-key-alarms", f"arn:aws:iam::{ACCOUNT}:root", "kms:*"),
        ("alias/harbor-staging-key-alarms", "cloudwatch.amazonaws.com", "kms:Decrypt"),
        ("harbor-staging-topic-alarms", "cloudwatch.amazonaws.com", "sns:Publish"),
        ("alias/harbor-staging-key-cost", f"arn:aws:iam::{ACCOUNT}:root", "kms:*"),
        ("alias/harbor-staging-key-cost", "budgets.amazonaws.com", "kms:Decrypt"),
        ("alias/harbor-staging-key-log", f"arn:aws:iam::{ACCOUNT}:root", "kms:*"),
        ("alias/harbor-staging-key-log", "logs.ap-northeast-1.amazonaws.com", "kms:Decrypt"),
        ("alias/harbor-staging-key-vault", f"arn:aws:iam::{ACCOUNT}:root", "kms:*"),
        ("harbor-staging-topic-cost", "budgets.amazonaws.com", "sns:Publish"),
        (f"harbor-staging-vault-log-{ACCOUNT}", "logging.s3.amazonaws.com", "s3:PutObject"),
    }


def test_who_may_start_a_function_is_listed_with_its_name() -> None:
    topic = "arn:aws:sns:ap-northeast-1:222222222222:harbor-staging-alarms"
    permission = {"function": "report", "principal": "sns.amazonaws.com", "action": "lambda:InvokeFunction"}
    plan = added(STAGING, t.LAMBDA_FUNCTION, {"name": "report"})
    plan = added(plan, t.LAMBDA_PERMISSION, {**permission, "sourceArn": topic})
    found = row(plan, "resourcePolicies", actions=["lambda:InvokeFunction"])
    assert (found["resource"], found["who"]) == (["report"], ["sns.amazonaws.com"])
    assert found["when"] == [f"aws:SourceArn ArnLike {topic}"]


def test_a_token_is_shown_with_names_of_permissions_scope_and_life() -> None:
    account = row(STAGING, "tokens", token=["harbor-staging-token-rollback-a"])
    assert (account["permissions"], account["on"]) == (["Workers Scripts Write"], [f"account {'2' * 32}"])
    assert account["valid"] == "90 days at most"
    of_buckets = {"permissions": ["Workers R2 Storage Bucket Item Read"]}
    bucket = row(STAGING, "tokens", token=["harbor-staging-token-operations-a"], **of_buckets)
    assert bucket["on"] == ["bucket harbor-staging-r2-transcripts"]


def test_an_environment_is_shown_with_refs_reviewers_secrets_and_variables() -> None:
    deploy = row(STAGING, "environments", environment=["staging"])
    assert deploy["approved by"] == "team 2, never for a run of their own"
    assert deploy["from"] == ["branch develop"]
    assert deploy["admins"] == "may not skip this"
    assert deploy["secrets"] == ["CF_ACCESS_CLIENT_SECRET", "CLOUDFLARE_API_TOKEN", "SLACK_WEBHOOK"]
    assert "AWS_ROLE_ARN" in deploy["variables"]
    assert row(planned("development"), "environments", environment=["development"])["approved by"] == "nobody"


def test_credentials_of_the_programs_are_named_and_never_shown() -> None:
    assert row(STAGING, "credentials", program=["bulkhead"], cloud="aws")["credential"] == [
        f"role arn:aws:iam::{ACCOUNT}:role/bulkhead-staging"
    ]
    odd = changed(STAGING, "pulumi:providers:github", "token", Sealed("ghp_written_into_the_program"))
    assert row(odd, "credentials", cloud="github")["credential"] == ["a secret of the program's own"]


@pytest.mark.parametrize(
    ("type_", "path", "key", "column"),
    [
        (t.IAM_ROLE, "assumeRolePolicy", "roleTrust", "who"),
        (t.IAM_ROLE_POLICY, "policy", "roleRights", "effect"),
        (t.SNS_TOPIC_POLICY, "policy", "resourcePolicies", "effect"),
        (t.ACCOUNT_TOKEN, "policies", "tokens", "effect"),
    ],
)
def test_what_the_plan_does_not_know_is_said_to_be_unknown(type_: str, path: str, key: str, column: str) -> None:
    plan = changed(STAGING, type_, path, UNKNOWN)
    assert UNKNOWN_YET in [each[column] for each in rows(plan, key)]


def test_a_permission_without_a_known_name_keeps_its_id() -> None:
    policies = [{"effect": "allow", "permissionGroups": [{"id": "f00"}], "resources": "{}"}]
    plan = added(STAGING, t.ACCOUNT_TOKEN, {"name": "odd", "policies": policies})
    odd = row(plan, "tokens", token=["odd"])
    assert odd["permissions"] == ["f00 (its name is not known here)"]
    assert odd["valid"] == "for ever"


def test_what_a_stage_shares_comes_with_the_settings_of_the_others() -> None:
    stages = [planned(stage).settings for stage in STAGES]
    assert [risk.shared for risk in access_of(STAGING, stages).risks] == ["GitHub repository"]
    assert access_of(STAGING).risks == ()


def test_rows_are_sorted_and_there_once() -> None:
    for table in access_of(STAGING).tables:
        assert list(table.rows) == sorted(set(table.rows), key=str), table.key


def test_the_page_has_every_row_and_its_cells_do_not_break_the_table() -> None:
    binding = {"name": "ODD", "type": "service", "service": "a|b"}
    plan = added(STAGING, t.WORKERS_SCRIPT, {"scriptName": "odd", "bindings": [binding]})
    matrix = access_of(plan)
    text = page([matrix])
    assert "`a\\|b`" in text
    for table in matrix.tables:
        section = text.split(f"### {table.title}\n")[1].split("\n### ")[0]
        lines = [line for line in section.splitlines() if line.startswith("|")]
        assert len(lines) == len(table.rows) + 2, table.key
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1, table.key


def test_the_json_form_is_plain() -> None:
    matrix = access_of(STAGING, [planned(stage).settings for stage in STAGES])
    assert json.loads(json.dumps(as_json(matrix))) == as_json(matrix)


def test_without_a_stage_the_three_are_looked_at() -> None:
    stages = [make_settings(name) for name in ("development", "staging", "production", "pr-42")]
    assert chosen(stages, None) == stages[:3]
    assert chosen(stages, "pr-42") == stages[3:]
    with pytest.raises(Refused) as refused:
        chosen(stages, "pr-7")
    assert "there are development, staging, production, pr-42" in refused.value.faults[0].message
