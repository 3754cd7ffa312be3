"""Stores: every way to lose one is stopped, and every ordinary change to one is not."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from bulkhead.engine.rendered import to_wire
from bulkhead.preview.losses.catalogue import KINDS
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import ResourceType
from tests.preview.made import SECRET, UNGUARDED, UNKNOWN, Preview
from tests.support.stages import PRODUCTS, STAGES, rendered_identities, rendered_stage

ACCOUNT = {"accountId": "f" * 32}
D1 = {**ACCOUNT, "name": "harbor-production-d1-main", "readReplication": {"mode": "disabled"}}
R2 = {**ACCOUNT, "name": "harbor-production-r2-files"}
VAULT = {"bucket": "harbor-production-vault", "objectLockEnabled": True, "forceDestroy": False}
ENV = {"repository": "harbor", "environment": "production"}
BRANCHES = t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY
MAY_CALL = {"function": "f", "principal": "scheduler.amazonaws.com", "sourceArn": "arn"}
LOGPUSH = {"zoneId": "z", "dataset": "http_requests", "destinationConf": SECRET}
VANISHED = "acme:index/ledger:Ledger"
STORES = pytest.mark.parametrize("row", [row for row in CATALOGUE.values() if row.holds_data], ids=str)


@STORES
def test_a_store_that_is_deleted_is_lost(row: ResourceType) -> None:
    [loss] = Preview().delete(row, "it", {"name": "n"}).losses
    assert loss.kind == "deleted"
    assert row.holds_data in loss.lost


@STORES
def test_a_store_that_is_replaced_is_lost(row: ResourceType) -> None:
    preview = Preview().replace(row, {"name": "a"}, {"name": "b"}, keys=["name"], **UNGUARDED)
    [loss] = preview.losses
    assert loss.kind == "replaced"
    assert "because of name" in loss.lost
    assert row.holds_data in loss.lost


def test_a_replaced_store_that_is_retained_is_out_of_use_all_the_same() -> None:
    [loss] = Preview().replace(t.D1_DATABASE, D1, {**D1, "name": "b"}, keys=["name"]).losses
    assert loss.kind == "replaced"
    assert "nothing uses it" in loss.lost


def test_a_replacement_because_of_something_not_known_yet_says_so() -> None:
    [loss] = Preview().replace(t.D1_DATABASE, D1, {**D1, "name": UNKNOWN}, keys=["name"]).losses
    assert "name is not known yet" in loss.lost


@pytest.mark.parametrize(
    ("type_", "inputs", "path"),
    [
        (t.D1_DATABASE, D1, "name"),
        (t.R2_BUCKET, R2, "accountId"),
        (t.S3_BUCKET, VAULT, "bucket"),
        (t.S3_BUCKET, {**VAULT, "region": "ap-northeast-1"}, "region"),
        (t.KMS_KEY, {"description": "vault", "region": "ap-northeast-1"}, "region"),
    ],
)
@pytest.mark.parametrize("op", ["update", "same"])
def test_an_update_that_may_turn_out_as_a_replacement_is_stopped(op: str, type_: str, inputs: Any, path: str) -> None:
    [loss] = Preview().step(op, type_, "it", inputs, {**inputs, path: UNKNOWN}).losses
    assert loss.kind == "replaced"
    assert "cannot be shown to be kept" in loss.lost


@pytest.mark.parametrize(
    "preview",
    [
        Preview().create(t.D1_DATABASE, "new", D1),
        Preview().same(t.D1_DATABASE, "d1", D1),
        Preview().update(t.D1_DATABASE, D1, {**D1, "readReplication": {"mode": "auto"}}),
        Preview().update(t.WORKERS_KV_NAMESPACE, {"title": "a"}, {"title": "b"}),
        Preview().update(t.QUEUE, {"queueName": "a"}, {"queueName": "b"}),
        Preview().step("import", t.D1_DATABASE, "d1", None, D1),
        Preview().delete(t.D1_DATABASE, "d1", D1, retain=(True, False)),
        Preview().update(t.S3_BUCKET, VAULT, {**VAULT, "tags": {"a": UNKNOWN}}),
        Preview().delete("pulumi:providers:aws", "aws", {"region": "r"}),
        Preview().delete(t.DNS_RECORD, "record", {"name": "n"}),
        Preview().replace(t.WORKERS_CUSTOM_DOMAIN, {"hostname": "a"}, {"hostname": "b"}),
        Preview().delete("bulkhead:data:DataStores", "stores", {}, custom=False),
        Preview().delete(t.IAM_USER, "user", {"name": "n"}),
    ],
    ids=lambda preview: str(preview.plan.changes[-1]) + " " + preview.plan.changes[-1].action,
)
def test_nothing_is_lost_by_ordinary_changes(preview: Preview) -> None:
    assert preview.kinds == []


def test_a_component_that_moves_by_an_alias_loses_nothing() -> None:
    preview = Preview()
    preview.step("same", t.D1_DATABASE, "d1", D1, D1, parent="bulkhead:data:DataStores")
    moved = preview.events[-1]["resourcePreEvent"]["metadata"]
    moved["old"]["urn"] = "urn:pulumi:production::bulkhead::cloudflare:index/d1Database:D1Database::database"
    assert preview.kinds == []


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        ({}, {"jurisdiction": "eu"}, ["jurisdiction-changed"]),
        ({"jurisdiction": "eu"}, {}, ["jurisdiction-changed"]),
        ({"jurisdiction": "eu"}, {"jurisdiction": "us"}, ["jurisdiction-changed"]),
        ({"jurisdiction": "eu"}, {"jurisdiction": UNKNOWN}, ["replaced"]),
        ({}, {"jurisdiction": "default"}, []),
        ({"jurisdiction": "eu"}, {"jurisdiction": "eu", "storageClass": "Standard"}, []),
    ],
)
def test_a_bucket_stays_in_its_jurisdiction(was: Any, becomes: Any, kinds: list[str]) -> None:
    assert Preview().update(t.R2_BUCKET, {**R2, **was}, {**R2, **becomes}).kinds == kinds


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [(False, True, ["force-destroy"]), (False, UNKNOWN, ["force-destroy"]), (True, True, []), (True, False, [])],
)
def test_a_bucket_is_not_to_be_deleted_with_what_is_in_it(was: Any, becomes: Any, kinds: list[str]) -> None:
    preview = Preview().update(t.S3_BUCKET, {**VAULT, "forceDestroy": was}, {**VAULT, "forceDestroy": becomes})
    assert preview.kinds == kinds


@pytest.mark.parametrize("op", ["delete", "gone", "replace"])
def test_of_a_type_nobody_has_reviewed_the_worst_is_supposed(op: str) -> None:
    preview = Preview()
    if op == "delete":
        preview.delete(VANISHED, "ledger", {"name": "n"})
    elif op == "gone":
        preview.step("refresh", VANISHED, was={"name": "n"}, becomes={"name": "n"}).create(
            VANISHED, "it", {"name": "n"}
        )
    else:
        preview.replace(VANISHED, {"name": "a"}, {"name": "b"}, **UNGUARDED)
    [loss] = preview.losses
    assert loss.kind == "unreviewed"
    assert "a row in the catalogue, bulkhead/resources/" in loss.fix


# --- options


@pytest.mark.parametrize("op", ["same", "update"])
@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({"protect": (True, False)}, ["unprotected"]),
        ({"retain": (True, False)}, ["unretained"]),
        ({"protect": (True, False), "retain": (True, False)}, ["unprotected", "unretained"]),
        ({"protect": (False, True), "retain": (False, True)}, []),
        (UNGUARDED, []),
    ],
)
def test_what_guards_a_resource_is_not_taken_away(op: str, options: Any, kinds: list[str]) -> None:
    assert Preview().step(op, t.DNS_RECORD, "record", {"name": "n"}, {"name": "m"}, **options).kinds == kinds


def test_a_replaced_store_that_loses_its_protection_is_both() -> None:
    preview = Preview().replace(t.D1_DATABASE, D1, {**D1, "name": "b"}, keys=["name"], protect=(True, False))
    assert preview.kinds == ["replaced", "unprotected"]


# --- renames


@pytest.mark.parametrize(
    ("type_", "inputs", "other"),
    [
        (t.D1_DATABASE, D1, {**D1, "readReplication": {"mode": "auto"}}),
        (t.S3_BUCKET, VAULT, VAULT),
        (t.WORKERS_CUSTOM_DOMAIN, {"hostname": "harbor.example"}, {"hostname": "harbor.example"}),
        (t.S3_BUCKET_POLICY, {"bucket": "b", "policy": "{}"}, {"bucket": "b", "policy": "{...}"}),
        (t.NOTIFICATION_POLICY, {"name": "n", "filters": {"a": "1"}}, {"name": "n", "filters": UNKNOWN}),
        (t.IAM_ROLE_POLICY, {"role": "r", "name": "n", "policy": "{}"}, {"role": "r", "name": "n", "policy": "{...}"}),
        (t.SNS_TOPIC_POLICY, {"arn": "a", "policy": "{}"}, {"arn": "a", "policy": UNKNOWN}),
        (t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, {"accountId": "1"}, {"accountId": "1", "blockPublicAcls": True}),
        (t.SCHEDULER_SCHEDULE, {"name": "n", "state": "ENABLED"}, {"name": "n", "state": "DISABLED"}),
        (t.KMS_REPLICA_KEY, {"primaryKeyArn": "a", "region": "r"}, {"primaryKeyArn": "a", "region": UNKNOWN}),
        (t.KMS_KEY, {"description": "vault"}, {"description": "vault"}),
        (VANISHED, {"name": "n"}, {"name": "n"}),
    ],
)
def test_another_logical_name_without_an_alias_is_a_rename(type_: str, inputs: Any, other: Any) -> None:
    preview = Preview().create(type_, "new-name", other).delete(type_, "old-name", inputs)
    [loss] = preview.losses
    assert loss.kind == "renamed"
    assert "pulumi.Alias(name='old-name')" in loss.fix


COMPONENT = "bulkhead:data:Stores"


@pytest.mark.parametrize(
    ("name", "was_below", "is_below", "alias"),
    [
        ("new", "", "", "name='old'"),
        ("old", "", COMPONENT, "parent=None"),
        ("old", COMPONENT, "", f"parent=<the {COMPONENT} that it had>"),
        ("old", COMPONENT, f"bulkhead:data:Part${COMPONENT}", f"parent=<the {COMPONENT} that it had>"),
        ("new", COMPONENT, "bulkhead:data:Others", f"name='old', parent=<the {COMPONENT} that it had>"),
    ],
)
def test_what_is_said_of_a_rename_is_the_alias_that_ends_it(
    name: str, was_below: str, is_below: str, alias: str
) -> None:
    kept = {"accountId": "a", "name": "main"}
    preview = Preview().create(t.D1_DATABASE, name, kept, parent=is_below)
    [loss] = preview.delete(t.D1_DATABASE, "old", kept, parent=was_below).losses
    assert loss.fix.startswith(f"say that it was renamed: aliases=[pulumi.Alias({alias})] on {name}")
    assert was_below in loss.lost
    assert is_below.rpartition("$")[2] in loss.lost


def test_a_retained_store_is_renamed_as_well() -> None:
    preview = Preview().create(t.D1_DATABASE, "new", D1).delete(t.D1_DATABASE, "old", D1, retain=(True, False))
    assert preview.kinds == ["renamed"]


@pytest.mark.parametrize(
    ("type_", "inputs", "other", "kinds"),
    [
        (t.D1_DATABASE, D1, {**D1, "name": "another"}, ["deleted"]),
        (t.R2_BUCKET_LIFECYCLE, {"bucketName": "b"}, {"bucketName": "b"}, []),
        (t.DNS_RECORD, {"name": "a", "type": "A"}, {"name": "b", "type": "A"}, []),
        (t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, {**ENV, "variableName": "A"}, {**ENV, "variableName": "B"}, []),
        (t.GITHUB_BRANCH_DEFAULT, {"repository": "r"}, {"repository": "r"}, []),
        (BRANCHES, {**ENV, "branchPattern": "main"}, {**ENV, "tagPattern": "v*"}, []),
        (t.IAM_ROLE, {"name": "n", "path": "/a/"}, {"name": "m", "path": "/a/"}, []),
        (t.IAM_ROLE, {"path": "/a/"}, {"path": "/a/"}, []),
        (t.KMS_REPLICA_KEY, {"primaryKeyArn": "a", "region": "r"}, {"primaryKeyArn": "a", "region": "s"}, ["deleted"]),
        (t.LAMBDA_PERMISSION, {**MAY_CALL, "statementId": "a"}, {**MAY_CALL, "statementId": "b"}, []),
        (t.LOGPUSH_JOB, {**LOGPUSH, "name": "a"}, {**LOGPUSH, "name": "b"}, []),
        (t.R2_CUSTOM_DOMAIN, {"bucketName": "b", "domain": "a"}, {"bucketName": "b", "domain": "b"}, []),
        (t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, {"accountId": "1"}, {"accountId": "2"}, ["guard-removed"]),
        (t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, {"blockPublicAcls": True}, {"blockPublicAcls": True}, ["guard-removed"]),
        (t.SCHEDULER_SCHEDULE, {"name": "n", "groupName": "g"}, {"name": "n", "groupName": "h"}, []),
        (t.ZERO_TRUST_ACCESS_APPLICATION, {**ACCOUNT, "type": "a"}, {**ACCOUNT, "type": "b"}, []),
    ],
)
def test_two_different_things_are_no_rename(type_: str, inputs: Any, other: Any, kinds: list[str]) -> None:
    assert Preview().create(type_, "new", other).delete(type_, "old", inputs).kinds == kinds


def test_what_is_retained_and_written_over_is_no_rename() -> None:
    preview = Preview().create(t.S3_BUCKET_POLICY, "new", {"bucket": "b"})
    assert preview.delete(t.S3_BUCKET_POLICY, "old", {"bucket": "b"}, retain=(True, False)).kinds == []


def test_every_kind_of_loss_has_a_word_for_waivers() -> None:
    assert {"deleted", "replaced", "renamed", "unprotected", "gone", "unreviewed"} <= set(KINDS)
    assert list(KINDS) == sorted(KINDS)


@pytest.mark.parametrize("environment", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_no_two_resources_of_a_stage_are_taken_for_one(product: str, environment: str) -> None:
    rendered = [*rendered_stage(product, environment).resources, *rendered_identities(product, environment).resources]
    by_type = [(each.type, to_wire(each.inputs)) for each in rendered if each.custom and not each.is_provider]
    renamed = [
        (type_, was, becomes)
        for (type_, was), (other, becomes) in permutations(by_type, 2)
        if type_ == other
        and "renamed" in Preview().create(type_, "new", becomes).delete(type_, "old", was, **UNGUARDED).kinds
    ]
    assert len(by_type) > 40
    assert renamed == []
