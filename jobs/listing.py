"""What a bucket lists, page after page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def listed(s3: Any, bucket: str, prefix: str = "", **said: str) -> Iterator[Mapping[str, Any]]:
    """Yield what S3 tells of every object below ``prefix``, in the order of their keys; ``said`` is told to S3 as
    well."""
    below = {"Prefix": prefix} if prefix else {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **below, **said):
        yield from page.get("Contents", ())
