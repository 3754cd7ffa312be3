"""What moto's object lock lacks: a lock holds against everybody who may not end it.

moto 5.2.5 lets anybody shorten a lock, asks nobody whether they may set or bypass one, ignores what a bucket's policy
says of that, and completes a multipart upload without any lock. S3 asks for rights of their own ("Required
permissions", Amazon S3 User Guide, "Using Object Lock"); here a bypass without them is as none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from moto.s3.exceptions import BucketAccessDeniedError, InvalidArgumentError, S3AccessDeniedError
from moto.s3.models import FakeKey, S3Backend
from moto.s3.responses import S3Response
from moto.utilities.utils import CaseInsensitiveDict

from bulkhead.localclouds.aws.evaluator import holds
from bulkhead.resources.statements import Statement, statements

_MODE: Final = "x-amz-object-lock-mode"
_UNTIL: Final = "x-amz-object-lock-retain-until-date"
_HOLD: Final = "x-amz-object-lock-legal-hold"
_BYPASS: Final = "x-amz-bypass-governance-retention"
_RIGHTS: Final = {"retention": "PutObjectRetention", "legal-hold": "PutObjectLegalHold"}
_LOCK_KEY: Final = "s3:object-lock-"
_DAY: Final = timedelta(days=1)

_authorize: Final = S3Response._authenticate_and_authorize_s3_action
_put_retention: Final = S3Response.put_object_retention
_put_object: Final = S3Response.put_object
_post: Final = S3Response._key_response_post
_complete: Final = S3Backend.complete_multipart_upload


def extend() -> None:
    """Give moto the missing behaviour; safe to repeat."""
    S3Response._authenticate_and_authorize_s3_action = _authenticate_and_authorize  # type: ignore[method-assign]
    S3Response.put_object_retention = _put_object_retention  # type: ignore[method-assign]
    S3Response.put_object = _put_locked_object  # type: ignore[method-assign]
    S3Response._key_response_post = _key_response_post  # type: ignore[method-assign]
    S3Backend.complete_multipart_upload = _complete_multipart_upload  # type: ignore[method-assign]


def is_about_locks(statement: Mapping[str, Any]) -> bool:
    """Whether a statement's conditions are about locks alone, so that it is judged here."""
    keys = {key for tests in statement.get("Condition", {}).values() for key in tests}
    return bool(keys) and all(key.lower().startswith(_LOCK_KEY) for key in keys)


def _authenticate_and_authorize(self: Any, bucket_name: str | None = None, key_name: str | None = None) -> None:
    """Ask for the right that a request needs, and for those that its headers need beside it."""
    own = next((right for query, right in _RIGHTS.items() if self.method == "PUT" and query in self.querystring), None)
    _authorize(self, bucket_name, key_name) if own is None else _ask(self, own, bucket_name, key_name)
    if self.headers.get(_MODE) or self.headers.get(_UNTIL):
        _ask(self, "PutObjectRetention", bucket_name, key_name)
    if self.headers.get(_HOLD):
        _ask(self, "PutObjectLegalHold", bucket_name, key_name)
    asked = self.headers.get(_BYPASS)
    if asked and not (asked.lower() == "true" and _may_bypass(self, bucket_name, key_name)):  # moto takes any text
        kept = {name: value for name, value in self.headers.items() if name.lower() != _BYPASS}
        self.headers = CaseInsensitiveDict(kept)


def _may_bypass(response: Any, bucket: str | None, key: str | None) -> bool:
    right = "BypassGovernanceRetention"
    try:
        _ask(response, right, bucket, key)
    except S3AccessDeniedError:
        return False
    about = f"arn:aws:s3:::{bucket}/{key or '*'}"
    return not any(each.covers(about) for each in _denials(response, right) if not each.conditions)


def _ask(response: Any, action: str, bucket: str | None, key: str | None) -> None:
    own = response.data.get("Action")
    response.data["Action"] = action
    try:
        _authorize(response, bucket, key)
    finally:
        response.data["Action"] = own


def _put_object_retention(self: Any) -> Any:
    """Longer is open to whoever may lock; shorter, or none, to whoever may bypass, and in COMPLIANCE mode to nobody."""
    mode, until = self._mode_until_from_body()
    if until is not None and _moment(until) <= datetime.now(UTC):
        raise InvalidArgumentError("The retain until date must be in the future!", "RetainUntilDate", until)
    key = self.backend.get_object(self.bucket_name, self.parse_key_name(), version_id=self._get_param("versionId"))
    if isinstance(key, FakeKey) and key.lock_until and _moment(key.lock_until) > datetime.now(UTC):
        less = until is None or _moment(until) < _moment(key.lock_until) or mode not in {key.lock_mode, "COMPLIANCE"}
        if less and (key.lock_mode == "COMPLIANCE" or not self.headers.get(_BYPASS)):
            raise BucketAccessDeniedError(bucket=self.bucket_name)
    _judge(self, "PutObjectRetention", mode, until)
    return _put_retention(self)


def _put_locked_object(self: Any) -> Any:
    _judge(self, "PutObject", self.headers.get(_MODE), self.headers.get(_UNTIL))
    return _put_object(self)


def _key_response_post(self: Any, request: Any, body: bytes, bucket_name: str, query: Any, key_name: str) -> Any:
    """Keep what a multipart upload says of locks until it is completed."""
    if "uploads" not in query:
        return _post(self, request, body, bucket_name, query, key_name)
    mode, until, hold = (self.headers.get(name) for name in (_MODE, _UNTIL, _HOLD))
    known = set(self.backend.get_bucket(bucket_name).multiparts)
    _judge(self, "PutObject", mode, until)
    answer = _post(self, request, body, bucket_name, query, key_name)
    for id_, upload in self.backend.get_bucket(bucket_name).multiparts.items():
        if id_ not in known:
            upload.lock = (mode, until, hold)
    return answer


def _complete_multipart_upload(self: Any, bucket_name: str, multipart_id: str, body: Any) -> Any:
    bucket = self.get_bucket(bucket_name)
    mode, until, hold = getattr(bucket.multiparts[multipart_id], "lock", (None, None, None))
    key = _complete(self, bucket_name, multipart_id, body)
    if key is not None and bucket.object_lock_enabled:
        if not mode and bucket.has_default_lock:
            mode, until = bucket.default_lock_mode, bucket.default_retention()
        key.lock_mode, key.lock_until, key.lock_legal_status = mode, until, hold or key.lock_legal_status
    return key


def _judge(response: Any, action: str, mode: str | None, until: str | None) -> None:
    """Refuse a lock that the bucket's policy denies. S3 counts the days that remain from the day of the request."""
    context: dict[str, str] = {} if mode is None else {f"{_LOCK_KEY}mode": mode}
    if until is not None:
        days = math.ceil((_moment(until) - datetime.now(UTC)) / _DAY)
        context |= {f"{_LOCK_KEY}remaining-retention-days": str(days)}
    about = f"arn:aws:s3:::{response.bucket_name}/{response.parse_key_name()}"
    if any(each.covers(about) and holds(each.conditions, context) for each in _denials(response, action)):
        raise BucketAccessDeniedError(bucket=response.bucket_name)


def _denials(response: Any, action: str) -> Iterator[Statement]:
    """Yield what the bucket's policy denies to everybody about an action and judges by locks alone, or by nothing."""
    policy = json.loads(response.backend.get_bucket(response.bucket_name).policy or b"{}")
    judged = [one for one in policy.get("Statement", []) if not one.get("Condition") or is_about_locks(one)]
    for statement in statements({"Statement": judged}):
        if statement.denies and statement.for_anybody and statement.applies_to(f"s3:{action}"):
            yield statement


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
