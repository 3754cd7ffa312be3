"""Rules about deployments, crons, the repository, the zone and service tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from infra.product import PRODUCT
from policies.rules import deployments, repository_owner, zone
from tests.support.policy_scene import changed, found, make_context, make_resource

RULES = {rule.name: rule for rule in (*deployments.RULES, *repository_owner.RULES, *zone.RULES)}
PRODUCTION = make_context("production")  # owns the repository

VERSION = make_resource(t.WORKER_VERSION, "version", id="0f0e0d0c-0000-4000-8000-000000000001")
DEPLOYED = make_resource(
    t.WORKERS_DEPLOYMENT,
    scriptName="harbor-staging-worker-web",
    versions=[{"versionId": "0f0e0d0c-0000-4000-8000-000000000001", "percentage": 100}],
)


def test_what_is_deployed_is_a_version_of_the_program() -> None:
    rule = RULES["deployment-of-unknown-version"]
    assert found(rule, VERSION, DEPLOYED) == []
    other = changed(DEPLOYED, "versions.0.versionId", "0f0e0d0c-0000-4000-8000-000000000002")
    assert len(found(rule, VERSION, other)) == 1
    assert found(rule, VERSION, replace(other, depends={"versions": (VERSION,)})) == []
    for value in (UNKNOWN, [], None, [UNKNOWN], [{"versionId": UNKNOWN}], 7):
        assert found(rule, VERSION, changed(DEPLOYED, "versions", value)) == []


def exporting(*classes: str, name: str = "version", **more: Any) -> ObservedResource:
    exports = {each: {"type": "durable-object", "storage": "sqlite"} for each in classes}
    return make_resource(t.WORKER_VERSION, name, exports=exports, **more)


def split(*versions: ObservedResource) -> ObservedResource:
    return replace(DEPLOYED, depends={"versions": versions})


def test_requests_are_divided_between_versions_with_the_same_objects_only() -> None:
    rule = RULES["split-between-different-exports"]
    room, again, hall = exporting("Room"), exporting("Room", name="b"), exporting("Room", "Hall", name="c")
    ended = changed(hall, "exports.Hall", {"type": "durable-object", "state": "deleted"})
    assert found(rule, split(room, again), split(room, ended), split(room), split(VERSION, exporting())) == []
    assert len(found(rule, split(room, hall))) == len(found(rule, split(room, VERSION))) == 1
    unclear: tuple[Any, ...] = (UNKNOWN, {"Room": UNKNOWN}, "Room", [])
    for value in unclear:
        assert found(rule, split(room, changed(hall, "exports", value))) == []


def bound(version: ObservedResource, **more: Any) -> ObservedResource:
    binding = {"type": "durable_object_namespace", "name": "ROOM", "className": "Room", **more}
    return changed(version, "bindings", [binding])


def test_nothing_is_bound_to_a_class_that_its_worker_does_not_have() -> None:
    rule = RULES["binding-to-missing-class"]
    assert found(rule, bound(exporting("Room"))) == []
    assert len(found(rule, bound(exporting("Hall")))) == len(found(rule, bound(VERSION))) == 1
    ended = changed(exporting("Room"), "exports.Room.state", "deleted")
    assert len(found(rule, bound(ended))) == 1
    assert found(rule, bound(exporting("Room"), className=UNKNOWN), bound(changed(VERSION, "exports", UNKNOWN))) == []
    assert found(rule, bound(changed(VERSION, "migrations", {"newSqliteClasses": ["Hall"]}))) == [], "Room may be older"
    assert found(rule, changed(VERSION, "bindings", UNKNOWN), changed(VERSION, "bindings", [UNKNOWN, {}, 7])) == []


def test_a_class_of_another_worker_is_looked_for_there() -> None:
    rule = RULES["binding-to-missing-class"]
    owner = make_resource(t.WORKER, "inn", name="harbor-staging-worker-inn", id="inn-id")
    caller = bound(VERSION, scriptName="harbor-staging-worker-inn")
    assert found(rule, owner, exporting("Room", name="inn-version", workerId="inn-id"), caller) == []
    assert len(found(rule, owner, exporting("Hall", name="inn-version", workerId="inn-id"), caller)) == 1
    assert found(rule, caller) == [], "a Worker that is no part of the stack is another rule's"


CLOCKED = replace(
    PRODUCT, workers=tuple(replace(each, crons=("0 17 * * SUN", "30 2 1 * *")) for each in PRODUCT.workers)
)


@pytest.mark.parametrize(
    ("crons", "count"),
    [
        ([{"cron": "0 17 * * SUN"}, {"cron": "30 2 1 * *"}], 0),
        ([{"cron": "0 17 * * sun"}], 0),
        ([], 0),
        (UNKNOWN, 0),
        ([{"cron": UNKNOWN}], 0),
        ([{"cron": "* * * * *"}], 1),
        ([{"cron": "0 17 * * SUN"}, {"cron": "0 18 * * SUN"}], 1),
    ],
)
def test_a_worker_is_called_when_the_product_says(crons: Any, count: int) -> None:
    rule, context = RULES["cron-not-in-product"], make_context("staging", of=CLOCKED)
    trigger = make_resource(t.WORKERS_CRON_TRIGGER, scriptName="harbor-staging-worker-clerk", schedules=crons)
    assert len(found(rule, trigger, context=context)) == count
    assert found(rule, changed(trigger, "scriptName", UNKNOWN), context=context) == []
    nobodys = changed(trigger, "scriptName", "harbor-staging-worker-nobody")
    assert len(found(rule, nobodys, context=context)) == (1 if count or "SUN" in str(crons).upper() else 0)


REPOSITORY = make_resource(t.GITHUB_REPOSITORY, name="harbor", visibility="private", deleteBranchOnMerge=True)
SETTLED = [
    REPOSITORY,
    make_resource(t.GITHUB_BRANCH_DEFAULT, repository="harbor", branch="main"),
    make_resource(t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, repository="Harbor"),
    make_resource(t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS, repository=UNKNOWN),
    changed(REPOSITORY, "securityAndAnalysis", {"secretScanning": {"status": "enabled"}}),
    changed(REPOSITORY, "securityAndAnalysis", UNKNOWN),
]


@pytest.mark.parametrize("resource", SETTLED, ids=lambda each: each.kind)
def test_what_the_repository_has_once_its_owner_makes(resource: ObservedResource) -> None:
    rule = RULES["repository-not-owner"]
    assert found(rule, resource, context=PRODUCTION) == []
    (message,) = found(rule, resource, context=make_context("staging"))
    assert "does not own the repository" in message


@pytest.mark.parametrize(
    "resource",
    [
        changed(REPOSITORY, "name", "other"),
        changed(REPOSITORY, "name", ...),
        make_resource(t.GITHUB_BRANCH_DEFAULT, repository="other", branch="main"),
        make_resource(t.GITHUB_BRANCH_DEFAULT, repository="harbor", branch="develop"),
        make_resource(t.GITHUB_BRANCH_DEFAULT, repository="harbor", branch=["main"]),
        changed(REPOSITORY, "securityAndAnalysis", {"secretScanning": {"status": "disabled"}}),
    ],
)
def test_the_repository_is_as_the_settings_say(resource: ObservedResource) -> None:
    assert len(found(RULES["repository-not-owner"], resource, context=PRODUCTION)) == 1


@pytest.mark.parametrize(
    ("setting", "value", "count"),
    [
        ("ssl", "off", 1),
        ("ssl", "flexible", 1),
        ("min_tls_version", "1.0", 1),
        ("min_tls_version", "1.1", 1),
        ("always_use_https", "off", 1),
        ("security_level", "essentially_off", 1),
        ("tls_1_3", "off", 1),
        ("ssl", "strict", 0),
        ("ssl", "origin_pull", 0),
        ("min_tls_version", "1.2", 0),
        ("tls_1_3", "zrt", 0),
        ("always_use_https", UNKNOWN, 0),
        ("always_use_https", ["off"], 0),
        ("rocket_loader", "off", 0),
        (UNKNOWN, "off", 0),
        (["ssl"], "off", 0),
    ],
)
def test_a_zone_takes_care_of_its_visitors(setting: Any, value: Any, count: int) -> None:
    resource = make_resource(t.ZONE_SETTING, settingId=setting, value=value)
    assert len(found(RULES["zone-setting-weak"], resource)) == count


@pytest.mark.parametrize(
    ("duration", "count"),
    [
        ("forever", 1),
        ("8761h", 1),
        ("17520h", 1),
        ("87600h0m0s", 1),
        ("8760h", 0),
        ("8759h59m60s", 0),
        ("720h30m", 0),
        (..., 0),
        (None, 0),
        ("", 0),
        (UNKNOWN, 0),
        (8760, 0),
        ("soon", 0),
    ],
)
def test_a_service_token_ends(duration: Any, count: int) -> None:
    token = changed(make_resource(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, name="x", duration="8760h"), "duration", duration)
    assert len(found(RULES["access-token-lasting"], token)) == count
