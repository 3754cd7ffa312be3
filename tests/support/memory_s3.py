"""A bucket in memory, for tests that write to it thousands of times: conditional writes, reads and lists, as boto3's
client has them. That S3 behaves so is tested against moto (tests/clients, tests/delivery/test_journal.py)."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError


class NoSuchKey(ClientError):
    """There is no such object."""


class MemoryS3:
    """One bucket, whatever its name."""

    exceptions = SimpleNamespace(NoSuchKey=NoSuchKey, ClientError=ClientError)

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}

    def get_object(self, *, Key: str, **_: Any) -> Any:  # noqa: N803 - boto3's names
        if Key not in self.there:
            raise _refused("NoSuchKey", "GetObject")
        body = self.there[Key]
        return {**_answer(), "Body": io.BytesIO(body), "ETag": _tag(body)}

    def put_object(self, *, Key: str, Body: bytes, **conditions: Any) -> Any:  # noqa: N803
        there = self.there.get(Key)
        if there is not None and "IfNoneMatch" in conditions:
            raise _refused("PreconditionFailed", "PutObject")
        if "IfMatch" in conditions and (there is None or conditions["IfMatch"] != _tag(there)):
            raise _refused("PreconditionFailed", "PutObject")
        self.there[Key] = Body
        return {**_answer(), "ETag": _tag(Body)}

    def list_objects_v2(self, *, Prefix: str, StartAfter: str = "", **_: Any) -> Any:  # noqa: N803
        below = sorted(key for key in self.there if key.startswith(Prefix) and key > StartAfter)
        folders = sorted(
            {Prefix + key[len(Prefix) :].partition("/")[0] + "/" for key in below if "/" in key[len(Prefix) :]}
        )
        objects = [key for key in below if "/" not in key[len(Prefix) :]]
        return {
            **_answer(),
            "CommonPrefixes": [{"Prefix": each} for each in folders],
            "Contents": [{"Key": each} for each in objects],
        }


def _answer() -> dict[str, Any]:
    return {"ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(datetime.now(UTC), usegmt=True)}}}


def _tag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _refused(code: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, **_answer()}
    return (NoSuchKey if code == "NoSuchKey" else ClientError)(answer, operation)
