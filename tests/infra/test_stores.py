from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings
from tests.support.stages import render_stage, rendered_stage

D1 = "cloudflare:index/d1Database:D1Database"
LIFECYCLE = "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle"
LOCK = "cloudflare:index/r2BucketLock:R2BucketLock"
CORS = "cloudflare:index/r2BucketCors:R2BucketCors"


def test_a_database_says_its_region_and_its_replication_from_the_start() -> None:
    database = rendered_stage("first", "production").one(D1, "d1-main").inputs
    assert database["primaryLocationHint"] == "apac"
    assert database["readReplication"] == {"mode": "disabled"}


def test_no_difference_in_the_place_of_a_database_replaces_it() -> None:
    """The API does not tell it: an imported database has none, and any difference would make a new one."""
    assert rendered_stage("first", "production").one(D1, "d1-main").ignore_changes == ("primaryLocationHint",)


def test_read_replication_follows_the_setting() -> None:
    stage = render_stage(SECOND_PRODUCT, "staging", {"database": {"readReplication": "auto"}})
    assert [database.inputs["readReplication"] for database in stage.of(D1)] == [{"mode": "auto"}] * 2


def test_every_database_of_the_product_is_made() -> None:
    names = {database.inputs["name"] for database in rendered_stage("second", "staging").of(D1)}
    assert names == {"corner-staging-d1-orders", "corner-staging-d1-catalogue"}


@pytest.mark.parametrize("product", ["first", "second"])
def test_no_bucket_has_a_public_address(product: str) -> None:
    stage = rendered_stage(product, "development")
    buckets = {bucket.inputs["name"] for bucket in stage.of("cloudflare:index/r2Bucket:R2Bucket")}
    addresses = {
        domain.inputs["bucketName"]: domain.inputs["enabled"]
        for domain in stage.of("cloudflare:index/r2ManagedDomain:R2ManagedDomain")
    }
    assert addresses == dict.fromkeys(buckets, False)


def test_a_lifecycle_keeps_the_rule_for_abandoned_uploads_and_adds_the_products_own() -> None:
    abandoned, scratch = rendered_stage("first", "staging").one(LIFECYCLE).inputs["rules"]
    assert abandoned["abortMultipartUploadsTransition"] == {"condition": {"type": "Age", "maxAge": 7 * 86_400}}
    assert abandoned["conditions"] == {"prefix": ""}
    assert scratch["deleteObjectsTransition"] == {"condition": {"type": "Age", "maxAge": 30 * 86_400}}
    assert scratch["conditions"] == {"prefix": "tmp/"}


def test_only_the_stages_own_pages_reach_a_bucket_from_a_browser() -> None:
    [rule] = rendered_stage("second", "staging").one(CORS).inputs["rules"]
    assert rule["allowed"]["origins"] == [f"https://{make_settings('staging').cloudflare.hostname}"]
    assert not rendered_stage("first", "staging").of(CORS)


def test_a_changed_region_moves_every_store() -> None:
    stage = render_stage(SECOND_PRODUCT, "development", {"region": {"d1": "weur", "r2": "weur"}})
    assert {database.inputs["primaryLocationHint"] for database in stage.of(D1)} == {"weur"}
    assert stage.one("cloudflare:index/r2Bucket:R2Bucket").inputs["location"] == "weur"


@pytest.mark.parametrize(("days", "rules"), [(365, 1), (0, 0), (None, None)])
def test_a_lock_that_was_taken_away_is_still_said_to_hold_nothing(days: int | None, rules: int | None) -> None:
    """The provider deletes no lock, so without one in the program the objects would stay locked."""
    buckets = tuple(replace(bucket, evidence_days=days) for bucket in SECOND_PRODUCT.buckets)
    locks = render_stage(replace(SECOND_PRODUCT, buckets=buckets), "production").of(LOCK)
    assert [len(lock.inputs["rules"]) for lock in locks] == ([] if rules is None else [rules])
