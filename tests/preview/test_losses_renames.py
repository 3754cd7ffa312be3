"""What goes and what comes in one update: they are a rename where both are one thing, and nothing but there."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from tests.preview.made import Preview

HERE, THERE = ({"region": region, "version": "7.1.0"} for region in ("ap-northeast-1", "us-east-1"))
AWS = "urn:pulumi:production::bulkhead::pulumi:providers:aws::{}"


@pytest.mark.parametrize(
    ("type_", "both", "was", "becomes"),
    [
        (
            t.DNS_RECORD,
            {"zoneId": "z", "name": "example.com", "type": "CAA"},
            {"data": {"tag": "issue", "value": "letsencrypt.org"}},
            {"data": {"tag": "issue", "value": "pki.goog"}},
        ),
        (t.IAM_ROLE_POLICY, {"role": "job"}, {"policy": '{"Id": "reads"}'}, {"policy": '{"Id": "writes"}'}),
        (t.ACCOUNT_TOKEN, {"accountId": "a", "name": "ci"}, {"policies": ["reads"]}, {"policies": ["writes"]}),
        (
            t.ZERO_TRUST_ACCESS_APPLICATION,
            {"accountId": "a", "name": "Admin"},
            {"destinations": [{"uri": "a.example.com"}]},
            {"destinations": [{"uri": "b.example.com"}]},
        ),
        (
            t.ACCESS_POLICY,
            {"accountId": "a", "name": "staff"},
            {"applicationId": "one"},
            {"applicationId": "another"},
        ),
        (
            t.LOGPUSH_JOB,
            {"accountId": "a", "dataset": "workers_trace_events", "destinationConf": "r2://logs"},
            {"filter": "of one Worker"},
            {"filter": "of another"},
        ),
    ],
)
def test_what_shares_a_place_or_a_name_that_may_be_taken_twice_is_not_one_thing(
    type_: str, both: dict[str, Any], was: dict[str, Any], becomes: dict[str, Any]
) -> None:
    assert Preview().create(type_, "new", {**both, **becomes}).delete(type_, "old", {**both, **was}).kinds == []
    assert Preview().create(type_, "new", {**both, **was}).delete(type_, "old", {**both, **was}).kinds == ["renamed"]


@pytest.mark.parametrize(("there", "kinds"), [(THERE, []), (HERE, ["renamed"])])
def test_a_name_that_moves_to_the_provider_of_another_region_is_not_one_thing(there: Any, kinds: list[str]) -> None:
    preview = Preview().same("pulumi:providers:aws", "here", HERE).same("pulumi:providers:aws", "there", there)
    preview.create(t.SNS_TOPIC, "new", {"name": "budget"}, provider=AWS.format("there"))
    assert preview.delete(t.SNS_TOPIC, "old", {"name": "budget"}, provider=AWS.format("here")).kinds == kinds


def test_a_key_that_is_replicated_elsewhere_is_deleted_all_the_same() -> None:
    replica = {"primaryKeyArn": "arn:aws:kms:eu-west-1:0:key/mrk-1"}
    preview = Preview().same("pulumi:providers:aws", "here", HERE).same("pulumi:providers:aws", "there", THERE)
    preview.create(t.KMS_REPLICA_KEY, "new", replica, provider=AWS.format("there"))
    preview.delete(t.KMS_REPLICA_KEY, "old", replica, provider=AWS.format("here"))
    assert preview.kinds == ["deleted"]


@pytest.mark.parametrize("type_", [t.S3_BUCKET_LIFECYCLE_CONFIGURATION, t.S3_BUCKET_VERSIONING])
def test_a_setting_of_one_bucket_is_one_thing_whatever_region_it_says(type_: str) -> None:
    was, becomes = ({"bucket": "vault", "region": region} for region in ("ap-northeast-1", "us-east-1"))
    assert Preview().create(type_, "new", becomes).delete(type_, "old", was).kinds == ["renamed"]
