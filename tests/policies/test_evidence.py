"""The rule about evidence: what the product calls so cannot be removed in production."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.values import UNKNOWN
from policies.rules.stores import RULES
from tests.support.policy_scene import changed, found, make_context, make_resource
from tests.support.second_product import SECOND_PRODUCT

[RULE] = [rule for rule in RULES if rule.name == "r2-lock-missing-on-evidence"]
CONTEXT = make_context("production", of=SECOND_PRODUCT)
YEAR = 365 * 86_400
BUCKET = make_resource(t.R2_BUCKET, "photos", name="corner-production-r2-photos")
LOCK = make_resource(
    t.R2_BUCKET_LOCK,
    "lock",
    sources={"bucketName": [BUCKET]},
    bucketName="corner-production-r2-photos",
    rules=[{"id": "evidence", "enabled": True, "prefix": "", "condition": {"type": "Age", "maxAgeSeconds": YEAR}}],
)


def test_a_lock_over_everything_for_long_enough_is_right() -> None:
    assert found(RULE, BUCKET, LOCK, context=CONTEXT) == []
    [message] = found(RULE, BUCKET, context=CONTEXT)
    assert "it has no lock" in message
    assert "365" not in message.split("fix:")[0]
    assert str(YEAR) in message


BREAKS: list[tuple[str, Any]] = [
    ("rules", []),
    ("rules.0.enabled", False),
    ("rules.0.enabled", ...),
    ("rules.0.prefix", "kept/"),
    ("rules.0.condition.maxAgeSeconds", YEAR - 1),
    ("rules.0.condition.maxAgeSeconds", ...),
    ("rules.0.condition.type", "Date"),
    ("rules.0.condition", ...),
]


@pytest.mark.parametrize(("path", "value"), BREAKS)
def test_one_field(path: str, value: Any) -> None:
    [message] = found(RULE, BUCKET, changed(LOCK, path, value), context=CONTEXT)
    assert "R2Bucket photos" in message


RIGHT: list[tuple[str, Any]] = [
    ("rules.0.prefix", ...),
    ("rules.0.condition.maxAgeSeconds", 2 * YEAR),
    ("rules.0.condition.maxAgeSeconds", float(YEAR)),
    ("rules.0.condition", {"type": "Indefinite"}),
    ("rules", UNKNOWN),
    ("rules.0.condition.maxAgeSeconds", UNKNOWN),
]


@pytest.mark.parametrize(("path", "value"), RIGHT)
def test_what_is_right_all_the_same(path: str, value: Any) -> None:
    assert found(RULE, BUCKET, changed(LOCK, path, value), context=CONTEXT) == []


def test_a_lock_of_another_bucket_does_not_count() -> None:
    other = make_resource(t.R2_BUCKET, "other", name="corner-production-r2-other")
    elsewhere = replace(changed(LOCK, "bucketName", "corner-production-r2-other"), depends={"bucketName": (other,)})
    assert len(found(RULE, BUCKET, elsewhere, other, context=CONTEXT)) == 1
    # During the first preview the name may be unknown; where it comes from is not.
    assert found(RULE, BUCKET, changed(LOCK, "bucketName", UNKNOWN), context=CONTEXT) == []


def test_several_rules_need_not_all_be_about_everything() -> None:
    some = {"id": "some", "enabled": True, "prefix": "x/", "condition": {"type": "Age", "maxAgeSeconds": 1}}
    assert found(RULE, BUCKET, changed(LOCK, "rules", [some, *LOCK["rules"]]), context=CONTEXT) == []


def test_only_evidence_and_only_production_is_judged() -> None:
    plain = changed(BUCKET, "name", "corner-production-r2-drafts")
    assert found(RULE, plain, context=CONTEXT) == []
    assert found(RULE, changed(BUCKET, "name", UNKNOWN), BUCKET, LOCK, context=CONTEXT) == []
    staging = make_context("staging", of=SECOND_PRODUCT)
    assert found(RULE, changed(BUCKET, "name", "corner-staging-r2-photos"), context=staging) == []
