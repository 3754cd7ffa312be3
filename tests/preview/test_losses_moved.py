"""What goes on under the same name in another account, and what a replacement makes and then deletes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import SECRET, UNGUARDED, UNKNOWN, Preview

AWS = "pulumi:providers:aws"
GITHUB = "pulumi:providers:github"
HOME: dict[str, Any] = {"allowedAccountIds": '["111111111111"]', "region": "ap-northeast-1", "version": "7.3.0"}
VAULT = {"bucket": "vault"}


def urn(name: str, type_: str = AWS) -> str:
    return f"urn:pulumi:production::bulkhead::{type_}::{name}"


def role(arn: str) -> str:
    return json.dumps({"roleArn": arn, "sessionName": "s"})


def roles(arn: str) -> dict[str, Any]:
    return {"assumeRoles": f"[{role(arn)}]"}


def by_web(account: str) -> dict[str, Any]:
    return {"assumeRoleWithWebIdentity": role(f"arn:aws:iam::{account}:role/a")}


def with_provider(was: Any, becomes: Any, op: str = "update") -> Preview:
    preview = Preview().step(op, AWS, "aws", was, becomes, **UNGUARDED)
    return preview.same(t.S3_BUCKET, "vault", VAULT, provider=urn("aws"))


@pytest.mark.parametrize(
    "becomes",
    [
        {**HOME, "allowedAccountIds": '["222222222222"]'},
        {**HOME, "allowedAccountIds": '["111111111111", "222222222222"]'},
        {**HOME, "allowedAccountIds": ["222222222222"]},
        {key: value for key, value in HOME.items() if key != "allowedAccountIds"},
        {**HOME, "allowedAccountIds": UNKNOWN},
        {**HOME, "region": "us-east-1"},
        {**HOME, "endpoints": '[{"s3": "https://elsewhere.example"}]'},
    ],
)
def test_a_provider_does_not_turn_to_another_account_under_what_it_manages(becomes: Any) -> None:
    for op in ("update", "replace"):
        [loss] = with_provider(HOME, becomes, op).losses
        assert (loss.kind, loss.change.name) == ("rehomed", "aws")
        assert "Bucket vault" in loss.lost


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (HOME, {**HOME, "version": "7.4.0", "defaultTags": '{"tags": {"a": "b"}}', "maxRetries": "3"}),
        (HOME, {**HOME, "allowedAccountIds": ["111111111111"]}),
        ({**HOME, "allowedAccountIds": '["111111111111", "222222222222"]'}, HOME),
        (
            {**HOME, **roles("arn:aws:iam::111111111111:role/a")},
            {**HOME, **roles("arn:aws:iam::111111111111:role/b")},
        ),
        ({**HOME, "profile": "a"}, {**HOME, "profile": "b"}),
        (HOME, {**HOME, "accessKey": SECRET, "secretKey": SECRET}),
    ],
)
def test_a_provider_that_stays_in_its_account_may_change(was: Any, becomes: Any) -> None:
    assert with_provider(was, becomes).kinds == []


@pytest.mark.parametrize(
    ("was", "becomes", "kinds"),
    [
        (roles("arn:aws:iam::111111111111:role/a"), roles("arn:aws:iam::222222222222:role/a"), ["rehomed"]),
        (roles("arn:aws:iam::111111111111:role/a"), roles("arn:aws:iam::111111111111:role/b"), []),
        (by_web("111111111111"), by_web("222222222222"), ["rehomed"]),
        (by_web("111111111111"), by_web("111111111111"), []),
        (by_web("111111111111"), {**by_web("111111111111"), **roles("arn:aws:iam::222222222222:role/a")}, ["rehomed"]),
        ({"assumeRole": role("arn:aws:iam::111111111111:role/a")}, roles("arn:aws:iam::111111111111:role/a"), []),
        ({"profile": "a"}, {"profile": "b"}, ["rehomed"]),
        ({"profile": "a"}, {"profile": "a", "skipMetadataApiCheck": "true"}, []),
    ],
)
def test_whose_account_it_is_may_be_told_by_the_credentials_alone(was: Any, becomes: Any, kinds: list[str]) -> None:
    assert with_provider(was, becomes).kinds == kinds


def test_a_provider_that_manages_nothing_yet_may_turn_to_any_account() -> None:
    was, becomes = HOME, {**HOME, "allowedAccountIds": '["222222222222"]'}
    preview = Preview().update(AWS, was, becomes, "aws", **UNGUARDED)
    assert preview.create(t.S3_BUCKET, "vault", VAULT, provider=urn("aws")).kinds == []


def test_what_says_its_own_region_stays_where_it_is_when_its_provider_turns_to_another() -> None:
    preview = Preview().update(AWS, HOME, {**HOME, "region": "us-east-1"}, "aws", **UNGUARDED)
    placed = {**VAULT, "region": "ap-northeast-1"}
    assert preview.same(t.S3_BUCKET, "vault", placed, provider=urn("aws")).kinds == []


def test_githubs_provider_does_not_turn_to_another_owner() -> None:
    preview = Preview().update(GITHUB, {"owner": "harbor-inc"}, {"owner": "other"}, "github", **UNGUARDED)
    preview.same(t.GITHUB_REPOSITORY_RULESET, "ruleset", {"name": "main"}, provider=urn("github", GITHUB))
    assert preview.kinds == ["rehomed"]


@pytest.mark.parametrize("op", ["same", "update"])
def test_a_store_is_not_handed_to_another_provider(op: str) -> None:
    for other in ({**HOME, "allowedAccountIds": '["222222222222"]'}, {"region": "ap-northeast-1"}):
        preview = Preview().step("same", AWS, "aws", HOME, HOME).step("create", AWS, "other", None, other)
        preview.step(op, t.S3_BUCKET, "vault", VAULT, VAULT, provider=(urn("aws"), urn("other")))
        assert preview.kinds == ["rehomed"]
    unseen = Preview().step(op, t.R2_BUCKET, "r2", {"name": "r2"}, {"name": "r2"}, provider=(urn("a"), urn("b")))
    assert unseen.kinds == ["rehomed"]


def test_a_store_may_be_handed_to_a_provider_of_the_same_account() -> None:
    preview = Preview().step("same", AWS, "aws", HOME, HOME).step("create", AWS, "other", None, HOME)
    handed: dict[str, Any] = {"provider": (urn("aws"), urn("other"))}
    assert preview.step("same", t.S3_BUCKET, "vault", VAULT, VAULT, **handed).kinds == []


def test_a_provider_with_another_logical_name_is_the_same_one() -> None:
    preview = Preview().step("same", AWS, "renamed", HOME, HOME, id_="provider-id")
    handed: dict[str, Any] = {"provider": (urn("aws"), urn("renamed"))}
    assert preview.step("same", t.S3_BUCKET, "vault", VAULT, VAULT, **handed).kinds == []
    moved = Preview().update(AWS, HOME, {**HOME, "region": "us-east-1"}, "renamed", id_="provider-id")
    assert moved.step("same", t.S3_BUCKET, "vault", VAULT, VAULT, **handed).kinds == ["rehomed"]


def test_another_version_of_a_default_provider_is_no_other_provider() -> None:
    pair = urn("default_7_1_0"), urn("default_7_2_0")
    assert Preview().step("same", t.S3_BUCKET, "vault", VAULT, VAULT, provider=pair).kinds == []


def test_what_holds_nothing_may_be_handed_on() -> None:
    record = {"zoneId": "z", "name": "www", "type": "A", "content": "192.0.2.1"}
    assert Preview().step("update", t.DNS_RECORD, "dns", record, record, provider=(urn("a"), urn("b"))).kinds == []


DOMAIN = {"accountId": "a", "hostname": "app.harbor.example", "service": "web", "zoneId": "z"}
SECRET_OF = {"repository": "r", "environment": "production", "secretName": "TOKEN", "value": SECRET}


@pytest.mark.parametrize(
    ("type_", "inputs", "reason"),
    [
        (t.WORKERS_CUSTOM_DOMAIN, DOMAIN, "service"),
        (t.WORKERS_CUSTOM_DOMAIN, DOMAIN, "environment"),
        (t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, SECRET_OF, "value"),
        (t.GITHUB_ACTIONS_SECRET, {"repository": "r", "secretName": "TOKEN"}, "value"),
        (t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, {"repository": "r", "environment": "e", "variableName": "V"}, "value"),
    ],
)
def test_a_replacement_does_not_delete_what_it_has_just_written_over(type_: str, inputs: Any, reason: str) -> None:
    was, becomes = {**inputs, reason: "a"}, {**inputs, reason: "b"}
    [loss] = Preview().replace(type_, was, becomes, keys=[reason], **UNGUARDED).losses
    assert loss.kind == "undone"
    assert Preview().replace(type_, was, becomes, keys=[reason], first=True, **UNGUARDED).kinds == []
    assert Preview().replace(type_, was, becomes, keys=[reason]).kinds == []  # the old one is retained
    own = next(path for path in reversed(type_.identity_inputs) if path in inputs)  # type: ignore[attr-defined]
    assert Preview().replace(type_, was, {**becomes, own: "another"}, keys=[own], **UNGUARDED).kinds == []


@pytest.mark.parametrize(
    ("type_", "inputs", "reason"),
    [
        (t.LAMBDA_PERMISSION, {"function": "f", "principal": "s3.amazonaws.com"}, "sourceArn"),
        (t.DNS_RECORD, {"zoneId": "z", "name": "harbor.example", "type": "CAA"}, "data"),
    ],
)
def test_what_the_cloud_names_anew_each_time_is_not_deleted_by_its_replacement(
    type_: str, inputs: Any, reason: str
) -> None:
    was, becomes = {**inputs, reason: "a"}, {**inputs, reason: "b"}
    assert Preview().replace(type_, was, becomes, keys=[reason], **UNGUARDED).kinds == []


@pytest.mark.parametrize("first", [True, False])
def test_the_block_of_a_whole_account_does_not_go_to_another_account(first: bool) -> None:
    on = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)
    was, becomes = {**on, "accountId": "1"}, {**on, "accountId": "2"}
    block: dict[str, Any] = {"keys": ["accountId"], "first": first, **UNGUARDED}
    assert Preview().replace(t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, was, becomes, **block).kinds == ["guard-removed"]
    assert Preview().replace(t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK, was, on, **block).kinds == ["guard-removed"]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("name", "target"), [("alias/b", "k"), (UNKNOWN, "k"), ("alias/a", "l"), ("alias/b", UNKNOWN)])
def test_a_keys_name_does_not_go_by_a_replacement(name: str, target: str, first: bool) -> None:
    was, becomes = {"name": "alias/a", "targetKeyId": "k"}, {"name": name, "targetKeyId": target}
    keys = [key for key in was if was[key] != becomes[key]]
    kinds = Preview().replace(t.KMS_ALIAS, was, becomes, keys=keys, first=first, **UNGUARDED).kinds
    assert kinds[:1] == ["key-alias-moved"]
