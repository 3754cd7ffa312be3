from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.second_product import SECOND_PRODUCT
from tests.support.stages import render_stage, rendered_stage

BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

both_buckets = pytest.mark.parametrize("bucket", ["vault", "vault-access-log"])
with_replica = pytest.mark.parametrize("bucket", ["vault", "vault-access-log", "replica"])
kept_stages = pytest.mark.parametrize("environment", ["staging", "production"])


def policy(environment: str, bucket: str) -> dict[str, dict[str, Any]]:
    document = json.loads(rendered_stage("first", environment).one(POLICY, f"{bucket}-policy").inputs["policy"])
    return {statement["Sid"]: statement for statement in document["Statement"]}


def expiries(environment: str, bucket: str = "vault") -> dict[str, int]:
    rules = rendered_stage("first", environment).one(LIFECYCLE, f"{bucket}-lifecycle").inputs["rules"]
    return {
        rule["filter"]["prefix"]: rule["expiration"]["days"] for rule in rules if "days" in rule.get("expiration", {})
    }


def test_a_stage_without_backups_has_no_vault() -> None:
    stage = rendered_stage("first", "development")
    assert not stage.of(BUCKET)
    assert stage.outputs["manifest"]["vault"] is None


def test_a_stage_gets_a_vault_with_its_backups() -> None:
    stage = render_stage(SECOND_PRODUCT, "development", {"backup": {"full": "daily"}})
    assert {bucket.name for bucket in stage.of(BUCKET)} == {"vault", "vault-access-log"}


@kept_stages
def test_bucket_names_end_in_the_account(environment: str) -> None:
    stage = rendered_stage("first", environment)
    account = stage.outputs["manifest"]["aws"]["accountId"]
    names = {bucket.inputs["bucket"] for bucket in stage.of(BUCKET)}
    replica = {f"harbor-production-vault-replica-{account}"} if environment == "production" else set()
    assert names == {f"harbor-{environment}-vault-{account}", f"harbor-{environment}-vault-log-{account}", *replica}


@both_buckets
@kept_stages
def test_nobody_outside_reaches_a_bucket(environment: str, bucket: str) -> None:
    stage = rendered_stage("first", environment)
    block = stage.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", f"{bucket}-no-public-access").inputs
    assert {flag for flag, value in block.items() if value is True} == {
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    }
    ownership = stage.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls", f"{bucket}-no-acls").inputs
    assert ownership["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    allowed = [statement for statement in policy(environment, bucket).values() if statement["Effect"] == "Allow"]
    assert all(statement["Principal"] == {"Service": "logging.s3.amazonaws.com"} for statement in allowed)


@both_buckets
def test_plain_http_and_old_tls_are_denied(bucket: str) -> None:
    statements = policy("production", bucket)
    assert statements["DenyPlainHttp"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statements["DenyOldTls"]["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    for sid in ("DenyPlainHttp", "DenyOldTls"):
        assert statements[sid]["Effect"] == "Deny"
        assert statements[sid]["Principal"] == {"AWS": "*"}
        assert statements[sid]["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_backups_are_encrypted_with_the_stages_own_key() -> None:
    stage = rendered_stage("first", "staging")
    [rule] = stage.one(ENCRYPTION, "vault-encryption").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"].endswith("key/vault-key")
    assert rule["bucketKeyEnabled"] is True
    assert stage.one("aws:kms/key:Key", "vault-key").inputs["enableKeyRotation"] is True


def test_the_access_log_uses_keys_of_s3_because_log_delivery_can_use_no_other() -> None:
    [rule] = rendered_stage("first", "staging").one(ENCRYPTION, "vault-access-log-encryption").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def undone(environment: str, bucket: str = "vault") -> dict[str, int]:
    rules = rendered_stage("first", environment).one(LIFECYCLE, f"{bucket}-lifecycle").inputs["rules"]
    gone = "noncurrentVersionExpiration"
    return {rule["filter"]["prefix"]: rule[gone]["noncurrentDays"] for rule in rules if gone in rule}


BESIDE = {"bookmarks/": 30, "state/": 366, "kv/": 28, "objects/": 28}


def test_each_tier_has_its_life() -> None:
    daily, weekly, monthly = {"database/daily/": 7}, {"database/weekly/": 28}, {"database/monthly/": 366}
    tiers = daily | weekly | monthly
    assert expiries("production") == tiers | {"database/yearly/": 1827, "database/interim/": 7} | BESIDE
    assert expiries("staging") == tiers | BESIDE
    assert expiries("staging", "vault-access-log") == {"access/": 366}


@kept_stages
def test_a_mirrored_file_stays_with_its_source_and_a_deleted_one_a_year(environment: str) -> None:
    assert "storage/reports/" not in expiries(environment)
    days = undone(environment)
    assert days.pop("storage/reports/") == 366
    days.pop("held/")  # stays until somebody lets it go
    assert set(days) == set(expiries(environment))
    assert set(days.values()) == {7}


@both_buckets
def test_no_prefix_has_two_rules_and_leftovers_go(bucket: str) -> None:
    rules = rendered_stage("first", "production").one(LIFECYCLE, f"{bucket}-lifecycle").inputs["rules"]
    prefixes = [rule["filter"]["prefix"] for rule in rules]
    [leftovers] = [rule for rule in rules if rule["filter"]["prefix"] == ""]
    assert leftovers["expiration"] == {"expiredObjectDeleteMarker": True}
    assert leftovers["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    # S3 takes the shorter of two lives, so no rule that ends a version may begin another one's prefix.
    assert "noncurrentVersionExpiration" not in leftovers
    for prefix in prefixes:
        assert [each for each in prefixes if each and each.startswith(prefix)] == [prefix] or not prefix


def test_production_locks_new_backups_and_nobody_may_bypass_it() -> None:
    stage = rendered_stage("first", "production")
    assert stage.one(BUCKET, "vault").inputs["objectLockEnabled"] is True
    assert stage.one(LOCK, "vault-lock").inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}
    bypass = policy("production", "vault")["DenyDeletingLockedObjects"]
    assert (bypass["Effect"], bypass["Action"]) == ("Deny", "s3:BypassGovernanceRetention")
    assert bypass["Principal"] == {"AWS": "*"}
    assert bypass["Resource"] == "arn:aws:s3:::vault/*"


def test_each_tier_is_locked_for_its_own_time() -> None:
    vault = rendered_stage("first", "production").outputs["manifest"]["vault"]
    assert vault["locks"] == {"daily": 7, "weekly": 28, "monthly": 35, "yearly": 35, "interim": 7}
    assert rendered_stage("first", "staging").outputs["manifest"]["vault"]["locks"] == {}


def test_nobody_may_lock_for_ever() -> None:
    statements = policy("production", "vault")
    both = [statements["DenyLocksThatNobodyCanEnd"], statements["DenyLocksLongerThanAnyTier"]]
    assert [each["Condition"] for each in both] == [
        {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}},
        {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "36"}},
    ]
    for statement in both:
        assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
        assert statement["Action"] == ["s3:PutObject", "s3:PutObjectRetention"]
        assert statement["Resource"] == "arn:aws:s3:::vault/*"


def test_staging_can_be_removed_with_its_backups_and_production_cannot() -> None:
    stage = rendered_stage("first", "staging")
    assert {bucket.inputs["forceDestroy"] for bucket in stage.of(BUCKET)} == {True}
    assert {bucket.inputs["forceDestroy"] for bucket in rendered_stage("first", "production").of(BUCKET)} == {False}
    assert stage.one(BUCKET, "vault").inputs["objectLockEnabled"] is False
    assert not stage.of(LOCK)
    assert "DenyDeletingLockedObjects" not in policy("staging", "vault")


def test_who_read_a_backup_is_logged() -> None:
    stage = rendered_stage("first", "production")
    logging = stage.one("aws:s3/bucketLogging:BucketLogging")
    delivery = policy("production", "vault-access-log")["AllowAccessLogDelivery"]
    assert logging.inputs["targetBucket"] == "production-vault-access-log-id"
    assert delivery["Resource"] == "arn:aws:s3:::vault-access-log/access/*"
    assert delivery["Condition"]["StringEquals"] == {"aws:SourceAccount": "333333333333"}
    assert delivery["Condition"]["ArnLike"]["aws:SourceArn"].endswith(stage.one(BUCKET, "vault").inputs["bucket"])
    assert stage.one(POLICY, "vault-access-log-policy").urn in stage.before(logging)


@both_buckets
def test_changes_to_one_bucket_wait_for_each_other(bucket: str) -> None:
    stage = rendered_stage("first", "production")
    block = stage.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", f"{bucket}-no-public-access")
    versioning = stage.one("aws:s3/bucketVersioning:BucketVersioning", f"{bucket}-versioning")
    assert block.urn in stage.before(stage.one(POLICY, f"{bucket}-policy"))
    assert versioning.urn in stage.before(stage.one(LIFECYCLE, f"{bucket}-lifecycle"))


REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
IN_THE_REGION = ("aws:s3/", "aws:kms/")


def test_production_copies_all_of_its_vault_to_another_region_and_no_deletion_of_a_backup() -> None:
    stage = rendered_stage("first", "production")
    made = stage.one(REPLICATION)
    assert made.inputs["bucket"] == "production-vault-id"
    assert made.inputs["role"] == "arn:aws:iam::333333333333:role/harbor-production-role-replication"
    copied = {rule["filter"]["prefix"]: rule["deleteMarkerReplication"]["status"] for rule in made.inputs["rules"]}
    assert copied == {"": "Disabled", "storage/reports/": "Enabled"}
    whole, mirrored = made.inputs["rules"]
    assert whole["priority"] < mirrored["priority"]  # S3 follows the higher one
    for rule in made.inputs["rules"]:
        assert rule["status"] == "Enabled"
        assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
        assert rule["destination"]["bucket"] == "arn:aws:s3:::replica"
        assert rule["destination"]["encryptionConfiguration"]["replicaKmsKeyId"].endswith("key/replica-key")
    versioning = "aws:s3/bucketVersioning:BucketVersioning"
    for side in ("vault", "replica"):
        assert stage.one(versioning, f"{side}-versioning").urn in stage.before(made)


def test_the_copy_lives_in_its_region_and_keeps_and_locks_as_the_vault_does() -> None:
    stage = rendered_stage("first", "production")
    of_replica = [each for each in stage.resources if each.name.startswith("replica")]
    regional = [each for each in of_replica if each.type.startswith(IN_THE_REGION) and each.type != REPLICATION]
    assert len(regional) == 10
    assert {each.inputs.get("region") for each in regional} == {"ap-northeast-3"}
    assert expiries("production", "replica") == expiries("production")
    assert stage.one(LOCK, "replica-lock").inputs["rule"] == stage.one(LOCK, "vault-lock").inputs["rule"]
    denied = {sid for sid, each in policy("production", "replica").items() if each["Effect"] == "Deny"}
    assert denied == {sid for sid, each in policy("production", "vault").items() if each["Effect"] == "Deny"}


def test_a_stage_that_names_no_second_region_has_no_copy() -> None:
    stage = rendered_stage("first", "staging")
    assert not stage.of(REPLICATION)
    assert stage.outputs["manifest"]["vault"]["replica"] is None
