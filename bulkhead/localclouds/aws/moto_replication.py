"""What moto's replication lacks: it copies. moto 5.2.5 keeps the rules, forgets most of each, and copies nothing.

A version is copied as its request ends, where S3 takes some minutes: with its metadata, its tags and its lock, by a
role that S3 may take and that has the rights for it. Without them nothing is copied, and the version says FAILED, as in
S3. What a version's lock becomes later is copied too, and a delete marker where the rule says so; the deletion of a
version never is ("What does Amazon S3 replicate?", Amazon S3 User Guide). What was there before the rule stays where it
is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.s3.exceptions import ReplicationConfigurationNotFoundError, S3ClientError
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response

from bulkhead.localclouds.aws.evaluator import Identity, Request, admits, allows
from bulkhead.localclouds.aws.moto_iam import identity_of

_SERVICE: Final = ("Service", "s3.amazonaws.com")
_COPIED: Final = ("GetObjectVersionForReplication", "GetObjectVersionAcl", "GetObjectVersionTagging")
_LOCKED: Final = ("GetObjectRetention", "GetObjectLegalHold")

_respond: Final = S3Response._key_response
_delete: Final = S3Backend.delete_object
_put_rules: Final = S3Backend.put_bucket_replication


def extend() -> None:
    """Give moto the missing behaviour; safe to repeat."""
    S3Response._key_response = _key_response  # type: ignore[method-assign]
    S3Response.get_bucket_replication = _get_bucket_replication  # type: ignore[method-assign]
    S3Backend.delete_object = _delete_object  # type: ignore[method-assign]
    S3Backend.put_bucket_replication = _put_bucket_replication  # type: ignore[method-assign]


def _put_bucket_replication(self: Any, bucket_name: str, replication: dict[str, Any]) -> None:
    rules = replication["Rule"]
    source = self.get_bucket(bucket_name)
    for rule in rules if isinstance(rules, list) else [rules]:
        there = _bucket(rule["Destination"]["Bucket"])
        if there is None:
            raise S3ClientError("InvalidRequest", "Destination bucket must exist.")
        if not there.is_versioned:
            raise S3ClientError("InvalidRequest", "Destination bucket must have versioning enabled.")
        if source.object_lock_enabled and not there.object_lock_enabled:
            raise S3ClientError("InvalidRequest", "Destination bucket must have object lock enabled.")
    _put_rules(self, bucket_name, replication)
    for key in (each for name in source.keys for each in source.keys.getlist(name)):
        key.replication = "before"


def _get_bucket_replication(self: Any) -> Any:
    self.data["Action"] = "GetBucketReplication"
    kept = self.backend.get_bucket_replication(self.bucket_name)
    if not kept:
        raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
    rules = [{**rule, "Filter": _filter(rule), "Priority": int(rule["Priority"])} for rule in kept["Rule"]]
    return self.serialized(ActionResult({"ReplicationConfiguration": {"Role": kept["Role"], "Rules": rules}}))


def _filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule's filter; an empty prefix is read as none."""
    given = rule.get("Filter") or {}
    return {**given, "Prefix": given.get("Prefix") or ""}


def _key_response(self: Any, request: Any, full_url: str) -> Any:
    answer = _respond(self, request, full_url)
    if self.method in {"PUT", "POST"}:
        _copy_new(self.backend, self.bucket_name, self.parse_key_name())
    return answer


def _copy_new(backend: Any, bucket_name: str, key_name: str) -> None:
    bucket = backend.get_bucket(bucket_name)
    if (rule := _rule(bucket, key_name)) is None:
        return
    for key in bucket.keys.getlist(key_name, []):
        if not isinstance(key, FakeKey):
            continue
        if copied := getattr(key, "copy", None):
            copied.lock_mode, copied.lock_until = key.lock_mode, key.lock_until
            copied.lock_legal_status = key.lock_legal_status
        elif getattr(key, "replication", None) is None:
            _copy(backend, bucket, key, rule)


def _delete_object(
    self: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
) -> Any:
    answer = _delete(self, bucket_name, key_name, version_id, bypass)
    bucket = self.get_bucket(bucket_name)
    rule = None if version_id else _rule(bucket, key_name)
    if rule and bucket.is_versioned and rule.get("DeleteMarkerReplication", {}).get("Status") == "Enabled":
        there = _bucket(rule["Destination"]["Bucket"])
        marking = Request("s3:ReplicateDelete", f"{rule['Destination']['Bucket']}/{key_name}")
        if there is not None and (role := _role(self.account_id, bucket)) and allows(role, marking):
            _delete(s3_backends[there.account_id][self.partition], there.name, key_name)
    return answer


def _rule(bucket: Any, key_name: str) -> Mapping[str, Any] | None:
    """Return the rule that S3 follows for a key: of those about it, the one with the highest priority."""
    rules = (getattr(bucket, "replication", None) or {}).get("Rule", [])
    about = [each for each in rules if each["Status"] == "Enabled" and key_name.startswith(_filter(each)["Prefix"])]
    return max(about, key=lambda each: int(each["Priority"]), default=None)


def _copy(backend: Any, bucket: Any, key: Any, rule: Mapping[str, Any]) -> None:
    there = _bucket(rule["Destination"]["Bucket"])
    key.replication = "FAILED"
    if there is None or not _may_copy(backend.account_id, bucket, key, rule):
        return
    theirs = s3_backends[there.account_id][backend.partition]
    encryption = rule["Destination"].get("EncryptionConfiguration") or {}
    copied: Any = theirs.put_object(
        there.name,
        key.name,
        key.value,
        encryption=key.encryption,
        kms_key_id=encryption.get("ReplicaKmsKeyID"),
        lock_mode=key.lock_mode,
        lock_until=key.lock_until,
        lock_legal_status=key.lock_legal_status,
        disable_notification=True,
    )
    copied.set_metadata(key.metadata)
    copied._version_id = key.version_id  # a copy has the version's id
    copied.replication = "REPLICA"
    key.replication, key.copy = "COMPLETED", copied


def _role(account: str, bucket: Any) -> Identity | None:
    """Return the role of a bucket's rules, None where S3 may not take it."""
    role = identity_of(account, bucket.replication["Role"])
    caller = {"aws:SourceAccount": account, "aws:SourceArn": f"arn:aws:s3:::{bucket.name}"}
    return role if role and admits(role, _SERVICE, "sts:AssumeRole", caller) else None


def _may_copy(account: str, bucket: Any, key: Any, rule: Mapping[str, Any]) -> bool:
    """Whether S3 may take the role of the rules, and may do all that a copy needs with it."""
    if (role := _role(account, bucket)) is None:
        return False
    here, there = f"arn:aws:s3:::{bucket.name}", rule["Destination"]["Bucket"]
    asked = [Request(f"s3:{each}", f"{here}/{key.name}") for each in _COPIED]
    asked += [Request(f"s3:{each}", here) for each in ("GetReplicationConfiguration", "ListBucket")]
    asked += [Request(f"s3:{each}", f"{there}/{key.name}") for each in ("ReplicateObject", "ReplicateTags")]
    if key.lock_mode or key.lock_legal_status:
        asked += [Request(f"s3:{each}", f"{here}/{key.name}") for each in _LOCKED]
    return all(allows(role, each) for each in asked)


def _bucket(arn: str) -> FakeBucket | None:
    name = arn.rpartition(":")[2]
    owner = s3_backends.bucket_accounts.get(name)
    return s3_backends[owner[1]][owner[0]].buckets.get(name) if owner else None
