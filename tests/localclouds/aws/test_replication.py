"""Replication in the local AWS: a version is copied by a role that may, with its lock, and a deletion is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.model.aws_scope import AwsScope, aws_scope_of
from bulkhead.model.iam import document
from identities.replication import replication_grants, replication_trust
from tests.support.settings_fixture import make_settings

pytestmark = pytest.mark.slow

ELSEWHERE: Final = "ap-northeast-3"
SETTINGS = make_settings("production")
SCOPE = replace(aws_scope_of(SETTINGS.label("harbor"), SETTINGS), account="444455556666")


class Pair:
    """The vault and its copy, with the role that the identities make."""

    def __init__(self, aws: LocalAws, scope: AwsScope) -> None:
        self.scope = scope
        self.iam = aws.client(scope.account, "iam")
        self.s3 = aws.client(scope.account, "s3")
        self.abroad = aws.client(scope.account, "s3", ELSEWHERE)
        for s3, name, region in ((self.s3, scope.vault, aws.region), (self.abroad, scope.replica, ELSEWHERE)):
            place = {"LocationConstraint": region}
            s3.create_bucket(Bucket=name, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=True)
        role = {"RoleName": scope.replication_role, "Path": scope.role_path}
        self.iam.create_role(**role, AssumeRolePolicyDocument=json.dumps(replication_trust(scope)))
        self.allow(*(grant.statement() for grant in replication_grants(scope)))

    def allow(self, *statements: dict[str, Any]) -> None:
        role = self.scope.replication_role
        self.iam.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=json.dumps(document(statements)))

    def rule(self, **changed: Any) -> dict[str, Any]:
        destination = {"Bucket": f"arn:aws:s3:::{self.scope.replica}"}
        rule = {
            "ID": "replica",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": {**destination, "EncryptionConfiguration": {"ReplicaKmsKeyID": "alias/replica"}},
        }
        return {"Role": self.scope.replication_role_arn, "Rules": [{**rule, **changed}]}

    def put_rule(self, **changed: Any) -> None:
        self.s3.put_bucket_replication(Bucket=self.scope.vault, ReplicationConfiguration=self.rule(**changed))

    def copies(self) -> list[str]:
        found = self.abroad.list_object_versions(Bucket=self.scope.replica)
        return [each["Key"] for each in found.get("Versions", [])]


@pytest.fixture
def pair(local_aws: LocalAws) -> Iterator[Pair]:
    made = Pair(local_aws, SCOPE)
    yield made
    for s3, name in ((made.s3, SCOPE.vault), (made.abroad, SCOPE.replica)):
        found = s3.list_object_versions(Bucket=name)
        for each in (*found.get("Versions", []), *found.get("DeleteMarkers", [])):
            request = {"Bucket": name, "Key": each["Key"], "VersionId": each["VersionId"]}
            s3.delete_object(**request, BypassGovernanceRetention=True)
        s3.delete_bucket(Bucket=name)
    made.iam.delete_role_policy(RoleName=SCOPE.replication_role, PolicyName=SCOPE.replication_role)
    made.iam.delete_role(RoleName=SCOPE.replication_role)


def locked(days: int) -> dict[str, Any]:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    return {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}


def test_a_rule_is_read_back_as_it_was_written(pair: Pair) -> None:
    pair.put_rule()
    assert pair.s3.get_bucket_replication(Bucket=SCOPE.vault)["ReplicationConfiguration"] == pair.rule()


def test_what_is_written_is_copied_with_its_lock_and_its_metadata(pair: Pair) -> None:
    pair.put_rule()
    kept = {"Metadata": {"rows": "7"}, "ContentType": "application/json", **locked(28)}
    version = pair.s3.put_object(Bucket=SCOPE.vault, Key="state/a", Body=b"x", **kept)["VersionId"]
    copy = pair.abroad.get_object(Bucket=SCOPE.replica, Key="state/a", VersionId=version)
    assert (copy["Body"].read(), copy["Metadata"], copy["ContentType"]) == (b"x", {"rows": "7"}, "application/json")
    assert copy["ObjectLockRetainUntilDate"] == kept["ObjectLockRetainUntilDate"]
    longer = {"Mode": "GOVERNANCE", "RetainUntilDate": locked(35)["ObjectLockRetainUntilDate"]}
    pair.s3.put_object_retention(Bucket=SCOPE.vault, Key="state/a", Retention=longer)
    copy = pair.abroad.head_object(Bucket=SCOPE.replica, Key="state/a")
    assert copy["ObjectLockRetainUntilDate"] == longer["RetainUntilDate"]


def test_an_upload_in_parts_is_copied_once(pair: Pair) -> None:
    pair.put_rule()
    known = {"Bucket": SCOPE.vault, "Key": "a"}
    known["UploadId"] = pair.s3.create_multipart_upload(**known, **locked(7), ChecksumAlgorithm="CRC32")["UploadId"]
    etag = pair.s3.upload_part(**known, PartNumber=1, Body=b"x" * 10, ChecksumAlgorithm="CRC32")["ETag"]
    assert pair.copies() == []
    pair.s3.complete_multipart_upload(**known, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert pair.copies() == ["a"]
    assert pair.abroad.head_object(Bucket=SCOPE.replica, Key="a")["ObjectLockMode"] == "GOVERNANCE"


def test_a_deletion_is_not_copied_nor_what_was_there_before_the_rule(pair: Pair) -> None:
    pair.s3.put_object(Bucket=SCOPE.vault, Key="before", Body=b"x")
    pair.put_rule()
    pair.s3.put_object(Bucket=SCOPE.vault, Key="a", Body=b"x")
    pair.s3.delete_object(Bucket=SCOPE.vault, Key="a")
    assert pair.copies() == ["a"]
    assert pair.abroad.get_object(Bucket=SCOPE.replica, Key="a")["Body"].read() == b"x"


def test_the_marker_of_a_mirrored_file_is_copied_where_the_rule_says_so_and_the_role_may(pair: Pair) -> None:
    mirrored = pair.rule(ID="mirrored", Priority=2, Filter={"Prefix": "storage/reports/"})["Rules"]
    mirrored[0]["DeleteMarkerReplication"] = {"Status": "Enabled"}
    rules = {**pair.rule(), "Rules": [*pair.rule()["Rules"], *mirrored]}
    pair.s3.put_bucket_replication(Bucket=SCOPE.vault, ReplicationConfiguration=rules)
    keys = ("storage/reports/one", "storage/reports/two", "database/daily/a")
    for key in keys:
        pair.s3.put_object(Bucket=SCOPE.vault, Key=key, Body=b"x")
    assert sorted(pair.copies()) == sorted(keys)
    for key in ("storage/reports/one", "database/daily/a"):
        pair.s3.delete_object(Bucket=SCOPE.vault, Key=key)
    pair.allow(*(grant.statement() for grant in replication_grants(SCOPE) if grant.sid != "MarkWhatIsGone"))
    pair.s3.delete_objects(Bucket=SCOPE.vault, Delete={"Objects": [{"Key": "storage/reports/two"}]})
    there = pair.abroad.list_object_versions(Bucket=SCOPE.replica)
    assert [each["Key"] for each in there["DeleteMarkers"]] == ["storage/reports/one"]
    assert sorted(pair.copies()) == sorted(keys)


@pytest.mark.parametrize(
    "sid", [grant.sid for grant in replication_grants(SCOPE) if not grant.conditions and grant.sid != "MarkWhatIsGone"]
)
def test_without_any_one_of_its_rights_the_role_copies_nothing(pair: Pair, sid: str) -> None:
    pair.put_rule()
    pair.allow(*(grant.statement() for grant in replication_grants(SCOPE) if grant.sid != sid))
    pair.s3.put_object(Bucket=SCOPE.vault, Key="a", Body=b"x", **locked(7))
    assert pair.copies() == []


def test_a_role_that_is_for_somebody_else_copies_nothing(pair: Pair) -> None:
    pair.put_rule()
    trust = json.dumps(replication_trust(replace(SCOPE, account="123456789012")))
    pair.iam.update_assume_role_policy(RoleName=SCOPE.replication_role, PolicyDocument=trust)
    pair.s3.put_object(Bucket=SCOPE.vault, Key="a", Body=b"x")
    assert pair.copies() == []


def test_a_copy_into_nowhere_or_without_versions_or_locks_is_refused(pair: Pair) -> None:
    pair.abroad.create_bucket(Bucket="plain", CreateBucketConfiguration={"LocationConstraint": ELSEWHERE})
    for name, what in (("nowhere", "must exist"), ("plain", "versioning")):
        with pytest.raises(ClientError, match=what):
            pair.put_rule(Destination={"Bucket": f"arn:aws:s3:::{name}"})
    pair.abroad.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(ClientError, match="object lock"):
        pair.put_rule(Destination={"Bucket": "arn:aws:s3:::plain"})
    pair.abroad.delete_bucket(Bucket="plain")
