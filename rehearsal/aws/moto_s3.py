"""What moto's S3 lacks: a bucket that has object lock may change its default retention while it holds objects."""

from __future__ import annotations

from typing import Any

from moto.s3.models import S3Backend

_original = S3Backend.put_object_lock_configuration


def extend() -> None:
    """Give moto the missing behaviour; safe to repeat."""
    S3Backend.put_object_lock_configuration = _put_object_lock_configuration  # type: ignore[method-assign]


def _put_object_lock_configuration(  # noqa: PLR0917 - the signature is moto's
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
