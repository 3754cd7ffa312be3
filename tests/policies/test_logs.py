"""Rules about logs and the zone: a compliant baseline of each, broken one field at a time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import logs
from tests.support.policy_scene import as_first_preview, changed, found, make_context, make_resource, observed_in
from tests.support.stages import PRODUCTS, STAGES, rendered_stage

RULES = {rule.name: rule for rule in logs.RULES}
STAGING = make_context("staging")
ACCOUNT, ZONE = STAGING.settings.cloudflare.account_id, STAGING.settings.cloudflare.zone_id
OTHER = make_context("production").settings.cloudflare
KEYS = "access-key-id=canary-id&secret-access-key=canary-secret"


def where(
    path: str = "logs/staging/error/{DATE}", bucket: str = "harbor-staging-r2-logs", account: str = ACCOUNT
) -> str:
    return f"r2://{bucket}/{path}?account-id={account}&{KEYS}"


TRACES = make_resource(
    t.LOGPUSH_JOB,
    "traces",
    accountId=ACCOUNT,
    dataset="workers_trace_events",
    enabled=True,
    filter=json.dumps({"where": {"key": "ScriptName", "operator": "startsWith", "value": "harbor-staging-"}}),
    destinationConf=where(),
    outputOptions={"fieldNames": ["Event", "EventTimestampMs", "Exceptions", "Logs", "Outcome", "ScriptName"]},
)
ACCESS = make_resource(
    t.LOGPUSH_JOB,
    "access",
    zoneId=ZONE,
    enabled=True,  # the dataset's default is http_requests
    destinationConf=where("logs/staging/access/{DATE}"),
    outputOptions={"fieldNames": ["ClientIP", "ClientRequestUserAgent", "ClientRequestPath", "RayID"]},
)
WORKER = make_resource(t.WORKER, "web", name="harbor-staging-worker-web", logpush=True)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_stages_keep_these_rules(product: str, stage: str) -> None:
    resources, context = observed_in(rendered_stage(product, stage)), make_context(stage, of=PRODUCTS[product])
    for rule in logs.RULES:
        assert found(rule, *resources, context=context) == []
        assert found(rule, *as_first_preview(resources), context=context) == []


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        (TRACES, "enabled", False),
        (TRACES, "enabled", ...),
        (ACCESS, "enabled", ...),
        (WORKER, "logpush", False),
        (WORKER, "logpush", ...),
    ],
)
def test_logs_that_are_to_be_kept_arrive(resource: ObservedResource, path: str, value: Any) -> None:
    rule = RULES["logpush-disabled"]
    whole = {each.name: each for each in (TRACES, ACCESS, WORKER)}
    assert found(rule, *whole.values()) == []
    unknown = changed(resource, path, UNKNOWN)
    assert found(rule, *(whole | {resource.name: unknown}).values()) == []
    broken = whole | {resource.name: changed(resource, path, value)}
    (message,) = found(rule, unknown, *broken.values())
    assert resource.name in message
    assert "canary" not in message


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ({"key": "ScriptName", "operator": "eq", "value": "harbor-staging-worker-web"}, True),
        ({"key": "ScriptName", "operator": "in", "value": ["other", "harbor-staging-worker-web"]}, True),
        ({"key": "ScriptName", "operator": "contains", "value": "staging"}, True),
        ({"key": "ScriptName", "operator": "!eq", "value": "harbor-staging-worker-clerk"}, True),
        ({"key": "Outcome", "operator": "!eq", "value": "ok"}, True),
        ({"and": [{"key": "Outcome", "operator": "eq", "value": "ok"}]}, True),
        ({"key": "ScriptName", "operator": "eq", "value": "harbor-staging-worker-clerk"}, False),
        ({"key": "ScriptName", "operator": "endsWith", "value": "-clerk"}, False),
        ({"or": [{"key": "ScriptName", "operator": "in", "value": ["other"]}]}, False),
        ({"key": "ScriptName", "operator": "!startsWith", "value": "harbor-staging-"}, False),
    ],
)
def test_a_worker_pushes_what_a_job_takes(condition: Any, taken: bool) -> None:
    rule, silent = RULES["logpush-disabled"], changed(WORKER, "logpush", False)
    job = changed(TRACES, "filter", json.dumps({"where": condition}))
    assert len(found(rule, job, silent)) == taken


@pytest.mark.parametrize(
    "job",
    [
        ACCESS,
        changed(TRACES, "dataset", "audit_logs_v2"),
        changed(TRACES, "dataset", UNKNOWN),
        changed(TRACES, "filter", UNKNOWN),
    ],
)
def test_a_worker_need_not_push_where_no_job_takes_its_logs(job: ObservedResource) -> None:
    silent = changed(WORKER, "logpush", False)
    assert found(RULES["logpush-disabled"], job, silent) == []
    assert len(found(RULES["logpush-disabled"], job, silent, changed(TRACES, "filter", ...))) == 1


@pytest.mark.parametrize(
    "field",
    ["Email", "Cookies", "RequestHeaders", "ResponseHeaders", "ClientRequestURI", "ClientRequestReferer", "Raw"],
)
@pytest.mark.parametrize("job", [TRACES, ACCESS])
def test_no_personal_field_is_kept_in_clear(job: ObservedResource, field: str) -> None:
    rule = RULES["logpush-plain-personal-data"]
    assert found(rule, TRACES, ACCESS) == []
    unknown = changed(job, "outputOptions.fieldNames.0", UNKNOWN)
    (message,) = found(rule, unknown, changed(job, "outputOptions.fieldNames.0", field))
    assert field in message
    assert "canary" not in message


@pytest.mark.parametrize("path", ["logs/staging/error/{DATE}", "logs/staging/{DATE}", "", "logs/staging/accessory/x"])
@pytest.mark.parametrize("field", ["ClientIP", "ClientRequestUserAgent", "ActorIPAddress"])
def test_addresses_and_browsers_stand_in_the_access_and_audit_logs_only(path: str, field: str) -> None:
    rule, job = RULES["logpush-plain-personal-data"], changed(ACCESS, "outputOptions.fieldNames", ["RayID", field])
    assert found(rule, job, changed(job, "destinationConf", where("logs/staging/audit/{DATE}"))) == []
    (message,) = found(rule, changed(job, "destinationConf", where(path)))
    assert "canary" not in message


def test_addresses_are_judged_when_it_is_known_where_they_go() -> None:
    rule, unknown = RULES["logpush-plain-personal-data"], changed(ACCESS, "destinationConf", UNKNOWN)
    assert found(rule, unknown) == []
    (message,) = found(rule, changed(unknown, "outputOptions.fieldNames", ["ClientIP", "Email"]))
    assert "Email" in message


@pytest.mark.parametrize("path", ["outputOptions", "outputOptions.fieldNames"])
def test_a_job_says_which_fields_it_pushes(path: str) -> None:
    rule = RULES["logpush-plain-personal-data"]
    assert found(rule, changed(TRACES, path, UNKNOWN)) == []
    silent = changed(TRACES, path, ...)
    assert len(found(rule, silent)) == 1
    assert found(rule, changed(silent, "logpullOptions", UNKNOWN)) == []
    old = "https://api.cloudflare.com/x?fields=Outcome,Event&timestamps=rfc3339"
    assert found(rule, changed(silent, "logpullOptions", old)) == []
    assert len(found(rule, changed(silent, "logpullOptions", "fields=Outcome,Email"))) == 1
    assert found(rule, changed(TRACES, "logpullOptions", "fields=Email")) == []  # counts for nothing beside the other


def test_a_stage_whose_settings_mask_nothing_may_push_everything() -> None:
    rule, job = RULES["logpush-plain-personal-data"], changed(ACCESS, "outputOptions.fieldNames", ["Email"])
    assert found(rule, job, context=make_context("development")) == []
    assert len(found(rule, job, context=make_context("development", {"log": {"redact": True}}))) == 1


def test_a_dataset_can_be_waived(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, job = RULES["logpush-plain-personal-data"], changed(ACCESS, "outputOptions.fieldNames", ["Email", "Cookies"])
    monkeypatch.setattr(logs, "_WAIVED", {"access_requests": frozenset({"Email", "Cookies"})})
    assert len(found(rule, job)) == 1
    assert found(rule, changed(job, "dataset", "access_requests")) == []
    monkeypatch.setattr(logs, "_WAIVED", {"http_requests": frozenset({"Email"})})
    (message,) = found(rule, job)
    assert "Email" not in message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("destinationConf", where(bucket="harbor-production-r2-logs")),
        ("destinationConf", where(bucket="harbor-stagingx-logs")),
        ("destinationConf", where(bucket="")),
        ("destinationConf", where(bucket="canary:canary@harbor-staging-r2-logs")),
        ("destinationConf", where(account=OTHER.account_id)),
        ("destinationConf", where("logs/production/error/{DATE}")),
        ("destinationConf", where("logs/pr-7/error/{DATE}")),
        ("destinationConf", "s3://harbor-production-logs/error?region=ap-northeast-1&sse=AES256"),
        ("destinationConf", "s3://harbor-staging-logs/error?region=us-east-1&sse=AES256"),
        ("destinationConf", f"s3://harbor-staging-logs/x?endpoint={OTHER.account_id}.r2.cloudflarestorage.com&{KEYS}"),
        ("destinationConf", "gs://harbor-production-logs/error"),
        ("accountId", OTHER.account_id),
        ("zoneId", OTHER.zone_id),
    ],
)
def test_logs_stay_in_their_stage(path: str, value: str) -> None:
    rule = RULES["log-destination-of-another-stage"]
    assert found(rule, TRACES, ACCESS) == []
    unknown = changed(TRACES, path, UNKNOWN)
    assert found(rule, unknown) == []
    (message,) = found(rule, unknown, changed(TRACES, path, value))
    assert "canary" not in message


@pytest.mark.parametrize(
    "destination",
    [
        "s3://harbor-staging-logs/error/{DATE}?region=ap-northeast-1&sse=AES256",
        f"s3://harbor-staging-logs/x?region=auto&endpoint={ACCOUNT}.r2.cloudflarestorage.com&{KEYS}",
        f"s3://harbor-staging-logs/x?region=auto&endpoint=storage.example&{KEYS}",
        "r2://harbor-staging-r2-logs",
        "datadog://http-intake.logs.datadoghq.com/api/v2/logs?header_DD-API-KEY=canary&ddtags=env:production",
        "https://logs.harbor.example/in?header_Authorization=Bearer%20canary",
        "no address at all",
    ],
)
def test_destinations_that_are_the_stages_or_nobodys_pass(destination: str) -> None:
    rule = RULES["log-destination-of-another-stage"]
    assert found(rule, changed(TRACES, "destinationConf", destination)) == []


def test_an_ephemeral_stage_may_write_below_its_stages_name() -> None:
    rule, context = RULES["log-destination-of-another-stage"], make_context("pr-7")
    account = context.settings.cloudflare.account_id
    job = changed(changed(TRACES, "accountId", account), "destinationConf", "")
    for name, count in (("development", 0), ("pr-7", 0), ("pr-8", 1), ("staging", 1)):
        destination = where(f"logs/{name}/error", "harbor-pr-7-r2-logs", account)
        assert len(found(rule, changed(job, "destinationConf", destination), context=context)) == count


OWNER = make_context("staging", {"owns": {"zone": True, "cloudflareAccount": True}})
RULESET = make_resource(t.RULESET, "rules", zoneId=ZONE, kind="zone", phase="http_ratelimit")
SETTING = make_resource(t.ZONE_SETTING, "tls", zoneId=ZONE, settingId="min_tls_version", value="canary")
ACCOUNT_RULESET = make_resource(t.RULESET, "account-rules", accountId=ACCOUNT, kind="root", phase="http_ratelimit")


@pytest.mark.parametrize("resource", [RULESET, SETTING, ACCOUNT_RULESET])
def test_what_a_zone_has_once_is_made_by_its_owner(resource: ObservedResource) -> None:
    rule = RULES["ruleset-not-owner"]
    assert found(rule, resource, context=OWNER) == []
    (message,) = found(rule, resource)
    assert "canary" not in message
    path = "accountId" if "accountId" in resource.props else "zoneId"
    assert len(found(rule, changed(resource, path, UNKNOWN), changed(resource, path, "f" * 32), context=OWNER)) == 1


def test_a_custom_ruleset_overwrites_no_other() -> None:
    rule, custom = RULES["ruleset-not-owner"], changed(ACCOUNT_RULESET, "kind", "custom")
    assert found(rule, custom) == []
    assert len(found(rule, changed(custom, "accountId", "f" * 32))) == 1


def test_owning_the_zone_is_not_owning_the_account() -> None:
    rule = RULES["ruleset-not-owner"]
    zone, account = (
        make_context(changes={"owns": {"zone": True}}),
        make_context(changes={"owns": {"cloudflareAccount": True}}),
    )
    assert found(rule, RULESET, SETTING, context=zone) == found(rule, ACCOUNT_RULESET, context=account) == []
    assert len(found(rule, ACCOUNT_RULESET, context=zone)) == 1
    assert len(found(rule, RULESET, SETTING, context=account)) == 2
