"""What moto's S3 lacks.

A bucket that has object lock may change its default retention while it holds objects. The policy of a bucket that
takes access logs may have ``"Principal": "*"``, which is a server error in moto 5.2.5. And moto applies a Deny with
conditions always: a bucket that demands TLS would refuse everything here, where requests use the loopback interface
without TLS. Statements about locks `moto_locks` judges.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, Final

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket, S3Backend

from bulkhead.localclouds.aws import moto_locks, moto_replication

_original = S3Backend.put_object_lock_configuration
_may_log = FakeBucket._log_permissions_enabled_policy
_TRANSPORT: Final = frozenset({"aws:SecureTransport", "s3:TlsVersion"})


def extend() -> None:
    """Give moto the missing behaviour; safe to repeat."""
    S3Backend.put_object_lock_configuration = _put_object_lock_configuration  # type: ignore[method-assign]
    FakeBucket._log_permissions_enabled_policy = staticmethod(_log_permissions_enabled_policy)  # type: ignore[method-assign]
    moto_locks.extend()
    moto_replication.extend()
    FakeBucket.get_permission = _get_permission  # type: ignore[method-assign]


def _get_permission(self: Any, action: str, resource: str) -> Any:
    policy = json.loads(self.policy or b"{}")
    aside = (_is_about_transport, moto_locks.is_about_locks)
    statements = [one for one in policy.get("Statement", []) if not any(judged(one) for judged in aside)]
    if not statements:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": statements})).is_action_permitted(action, resource)


def _is_about_transport(statement: dict[str, Any]) -> bool:
    conditions = {key for operator in statement.get("Condition", {}).values() for key in operator}
    return bool(conditions) and conditions <= _TRANSPORT


def _log_permissions_enabled_policy(target_bucket: Any, target_prefix: str | None) -> bool:
    policy = json.loads(target_bucket.policy or b"{}")
    statements = [one for one in policy.get("Statement", []) if isinstance(one.get("Principal"), dict)]
    text = json.dumps({**policy, "Statement": statements}).encode()
    shown: Any = SimpleNamespace(policy=text, name=target_bucket.name, partition=target_bucket.partition)
    return _may_log(shown, target_prefix)


def _put_object_lock_configuration(
    self: Any,
    bucket_name: str,
    lock_enabled: bool,
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    bucket = self.get_bucket(bucket_name)
    if not (lock_enabled and bucket.object_lock_enabled):
        _original(self, bucket_name, lock_enabled, mode, days, years)
        return
    bucket.default_lock_mode = mode
    bucket.default_lock_days = days
    bucket.default_lock_years = years
