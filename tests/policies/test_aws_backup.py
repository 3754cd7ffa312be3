"""Rules about the buckets of backups: production's vault as it should be, broken one field at a time."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import aws_backup
from tests.support.policy_scene import changed, found, make_context, make_resource

RULES = {rule.name: rule for rule in aws_backup.RULES}
LOCK, LIFECYCLE, FORCE, COPY = (
    RULES[name]
    for name in ("s3-no-object-lock", "s3-lifecycle-shorter-than-retention", "s3-force-destroy", "s3-not-replicated")
)
PRODUCTION = make_context("production")
OWN = "333333333333"
VAULT = make_resource(t.S3_BUCKET, "vault", bucket=f"harbor-production-vault-{OWN}", objectLockEnabled=True)
LOG = make_resource(t.S3_BUCKET, "log", bucket=f"harbor-production-vault-log-{OWN}", objectLockEnabled=False)


def beside(type_: str, bucket: ObservedResource = VAULT, /, **props: Any) -> ObservedResource:
    return make_resource(type_, f"{bucket.name}-it", sources={"bucket": [bucket]}, bucket=UNKNOWN, **props)


LOCKED = beside(t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION, rule={"defaultRetention": {"mode": "GOVERNANCE", "days": 7.0}})
DAYS = "rule.defaultRetention.days"


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        (LOCKED, DAYS, 6.0),
        (LOCKED, DAYS, 0),
        (LOCKED, DAYS, ...),
        (LOCKED, "rule", ...),
    ],
)
def test_productions_backups_are_locked(resource: ObservedResource, path: str, value: Any) -> None:
    assert found(LOCK, VAULT, LOG, LOCKED, context=PRODUCTION) == []
    own = [changed(each, path, value) if each is resource else each for each in (LOG, VAULT, LOCKED)]
    (message,) = found(LOCK, *own, context=PRODUCTION)
    assert resource.name in message
    # Another vault, of which nothing is known yet, hides nothing.
    other = make_resource(t.S3_BUCKET, "replica", bucket="harbor-production-vault-replica", objectLockEnabled=UNKNOWN)
    later = beside(t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION, other, rule=UNKNOWN)
    assert found(LOCK, other, later, *own, context=PRODUCTION) == [message]


@pytest.mark.parametrize("enabled", [..., False, UNKNOWN])
def test_a_configuration_locks_also_what_was_made_without_locks(enabled: Any) -> None:
    assert found(LOCK, changed(VAULT, "objectLockEnabled", enabled), LOCKED, context=PRODUCTION) == []


def test_a_vault_without_any_lock_is_named() -> None:
    (message,) = found(LOCK, VAULT, LOG, context=PRODUCTION)
    assert "locks no new backup" in message
    of_log = beside(t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION, LOG, rule=LOCKED["rule"])
    assert found(LOCK, VAULT, LOG, of_log, context=PRODUCTION) == [message]


@pytest.mark.parametrize(
    "rule",
    [
        {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}},
        {"defaultRetention": {"mode": "GOVERNANCE", "years": 1, "days": 0}},
        {"defaultRetention": {"mode": "COMPLIANCE", "days": 7}},
        {"defaultRetention": {"mode": "GOVERNANCE", "days": UNKNOWN}},
    ],
)
def test_a_lock_may_be_longer(rule: Any) -> None:
    assert found(LOCK, VAULT, changed(LOCKED, "rule", rule), context=PRODUCTION) == []


def test_how_long_is_what_the_settings_say() -> None:
    longer = make_context("production", {"backup": {"lock": {"dailyDays": 8}, "retention": {"dailyDays": 8}}})
    assert len(found(LOCK, VAULT, LOCKED, context=longer)) == 1
    assert found(LOCK, VAULT, changed(LOCKED, DAYS, 8), context=longer) == []
    assert found(LOCK, VAULT, changed(LOCKED, "rule.defaultRetention", {"years": 1}), context=longer) == []


def test_only_production_locks() -> None:
    vault = changed(VAULT, "bucket", "harbor-staging-vault-222222222222")
    vault = changed(vault, "objectLockEnabled", False)
    assert found(LOCK, vault, context=make_context("staging")) == []


def expiring(prefix: str, days: Any, **more: Any) -> dict[str, Any]:
    return {"status": "Enabled", "filter": {"prefix": prefix}, "expiration": {"days": days}, **more}


KEPT = beside(
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION,
    rules=[
        expiring("database/daily/", 7.0),
        expiring("database/weekly/", 28.0),
        expiring("database/monthly/", 366.0),
        expiring("database/yearly/", 1827.0),
        expiring("database/interim/", 7.0),
        {
            "status": "Enabled",
            "filter": {"prefix": "storage/reports/"},
            "expiration": {"days": 0},
            "noncurrentVersionExpiration": {"noncurrentDays": 366.0},
        },
        expiring("bookmarks/", 30.0),
        expiring("state/", 366.0),
        expiring("kv/", 28.0),
        expiring("objects/", 28.0),
        {
            "status": "Enabled",
            "filter": {"prefix": ""},
            "expiration": {"expiredObjectDeleteMarker": True, "days": 0, "date": ""},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7.0},
        },
    ],
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("rules.0.expiration.days", 6.0),
        ("rules.1.expiration.days", 27),
        ("rules.2.expiration.days", 365.0),
        ("rules.3.expiration.days", 366),
        ("rules.4.expiration.days", 1),
        ("rules.5.expiration.days", 3650),
        ("rules.5.noncurrentVersionExpiration.noncurrentDays", 365.0),
        ("rules.6.expiration.days", 29.0),
        ("rules.7.expiration.days", 365.0),
        ("rules.8.expiration.days", 27.0),
        ("rules.9.expiration.days", 27.0),
        ("rules.10", expiring("held/", 3650)),
        ("rules.0", expiring("database/daily/", 7.0, noncurrentVersionExpiration={"noncurrentDays": 6})),
        ("rules.1.filter.prefix", "database/"),
        ("rules.2.filter.prefix", "database"),
        ("rules.3.expiration", {"date": "2030-01-01T00:00:00Z"}),
        ("rules.10.expiration", {"days": 90}),
        ("rules.10", expiring("", 90)),
        ("rules.10", {"status": "Enabled", "expiration": {"days": 90}}),
        ("rules.10", {"status": "Enabled", "prefix": "database/yearly/", "expiration": {"days": 90}}),
        ("rules.10", expiring("database/monthly/2030/", 90)),
        ("rules.10", {**expiring("", 90), "filter": {"and": {"prefix": "database/", "objectSizeLessThan": 100}}}),
        ("rules.10", {**expiring("", 90), "filter": {"objectSizeGreaterThan": 100}}),
        ("rules.10", {**expiring("", 90), "filter": {"and": {"prefix": "database/", "tags": {}}}}),
    ],
)
def test_no_backup_goes_before_its_time(path: str, value: Any) -> None:
    assert found(LIFECYCLE, VAULT, KEPT, context=PRODUCTION) == []
    (message,) = found(LIFECYCLE, VAULT, changed(KEPT, path, value), context=PRODUCTION)
    assert re.search(r"(database|held|storage|bookmarks|state|kv|objects)/", message)
    later = changed(KEPT, "rules", UNKNOWN)
    half = changed(KEPT, "rules.0.filter.prefix", UNKNOWN)
    for first in (later, changed(half, "rules.0.expiration.days", 1)):
        assert len(found(LIFECYCLE, first, VAULT, changed(KEPT, path, value), context=PRODUCTION)) == 1


@pytest.mark.parametrize(
    "rule",
    [
        expiring("database/daily/", 30),
        expiring("database/daily/", UNKNOWN),
        {**expiring("", 1), "status": "Disabled"},
        expiring("exports/", 1),
        {**expiring("", 1), "filter": {"tag": {"key": "scratch", "value": "yes"}}},
        {**expiring("", 1), "filter": {"and": {"prefix": "database/", "tags": {"scratch": "yes"}}}},
        {**expiring("", 1), "filter": UNKNOWN},
        {**expiring("", 1), "filter": {"and": UNKNOWN}},
        {"status": "Enabled", "filter": {"prefix": ""}, "transitions": [{"days": 1, "storageClass": "GLACIER"}]},
        {"status": "Enabled", "filter": {}, "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}},
        UNKNOWN,
    ],
)
def test_what_is_no_backup_may_go(rule: Any) -> None:
    assert found(LIFECYCLE, VAULT, changed(KEPT, "rules.10", rule), context=PRODUCTION) == []


def test_the_access_log_has_a_life_of_its_own() -> None:
    of_log = beside(t.S3_BUCKET_LIFECYCLE_CONFIGURATION, LOG, rules=[expiring("", 30)])
    assert found(LIFECYCLE, VAULT, LOG, KEPT, of_log, context=PRODUCTION) == []
    of_vault = beside(t.S3_BUCKET_LIFECYCLE_CONFIGURATION, rules=of_log["rules"])
    assert len(found(LIFECYCLE, LOG, of_log, VAULT, of_vault, context=PRODUCTION)) == 1


def test_what_the_stage_does_not_keep_may_go() -> None:
    vault = changed(VAULT, "bucket", "harbor-staging-vault-222222222222")
    yearly, interim = (changed(KEPT, f"rules.{number}.expiration.days", 1) for number in (3, 4))
    staging = make_context("staging")  # neither yearly backups nor any in between
    assert found(LIFECYCLE, vault, yearly, interim, context=staging) == []
    assert len(found(LIFECYCLE, vault, yearly, context=make_context("staging", {"backup": YEARLY}))) == 1
    assert len(found(LIFECYCLE, vault, interim, context=make_context("staging", {"backup": {"interimHours": 6}}))) == 1
    daily = changed(KEPT, "rules.0.expiration.days", 1)
    assert found(LIFECYCLE, vault, daily, context=make_context("staging", {"backup": {"full": "none"}})) == []


YEARLY = {"retention": {"yearlyDays": 1827}}


@pytest.mark.parametrize("value", [False, ..., UNKNOWN])
def test_productions_buckets_do_not_go_with_what_is_in_them(value: Any) -> None:
    broken = changed(LOG, "forceDestroy", True)
    assert found(FORCE, changed(VAULT, "forceDestroy", value), context=PRODUCTION) == []
    assert len(found(FORCE, changed(VAULT, "forceDestroy", value), broken, context=PRODUCTION)) == 1
    # A stage that is not protected must be able to go altogether.
    assert found(FORCE, broken, context=make_context("staging")) == []
    assert found(FORCE, broken, context=make_context("pr-7")) == []


def test_no_message_shows_a_secret() -> None:
    secret = {"status": "Enabled", "id": "canary", "filter": {"prefix": ""}, "expiration": {"days": 1}}
    (message,) = found(LIFECYCLE, VAULT, changed(KEPT, "rules.10", secret), context=PRODUCTION)
    assert "canary" not in message


COPIED = beside(
    t.S3_BUCKET_REPLICATION_CONFIG,
    rules=[
        {
            "status": "Enabled",
            "filter": {"prefix": ""},
            "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
            "destination": {"bucket": "arn:aws:s3:::harbor-production-vault-replica-333333333333"},
        }
    ],
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("rules.0.status", "Disabled"),
        ("rules.0.filter.prefix", "database/"),
        ("rules.0.filter", {"tag": {"key": "a", "value": "b"}}),
        ("rules.0.sourceSelectionCriteria", ...),
        ("rules.0.sourceSelectionCriteria.sseKmsEncryptedObjects.status", "Disabled"),
        ("rules", []),
    ],
)
def test_a_second_region_has_a_copy_of_every_backup(path: str, value: Any) -> None:
    replica = make_resource(t.S3_BUCKET, "replica", bucket=f"harbor-production-vault-replica-{OWN}")
    assert found(COPY, VAULT, replica, LOG, COPIED, context=PRODUCTION) == []
    (message,) = found(COPY, VAULT, replica, LOG, changed(COPIED, path, value), context=PRODUCTION)
    assert "ap-northeast-3" in message
    assert found(COPY, VAULT, replica, LOG, context=PRODUCTION) == [message]


@pytest.mark.parametrize("path", ["rules", "rules.0", "rules.0.status", "rules.0.filter.prefix"])
def test_a_copy_of_which_nothing_is_known_yet_may_be_right(path: str) -> None:
    assert found(COPY, VAULT, changed(COPIED, path, UNKNOWN), context=PRODUCTION) == []


def test_a_stage_that_names_no_second_region_needs_no_copy() -> None:
    assert found(COPY, VAULT, context=make_context("production", {"backup": {"replicaRegion": None}})) == []
