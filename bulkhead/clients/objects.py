"""Objects of an S3 bucket that several processes write: who is first is decided by S3, and so is what time it is.

S3 takes a write "if there is none" or "if it is still this one" (Amazon S3 User Guide, "Conditional writes") and says
in each answer what time it is. The clocks of two machines need not agree then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from bulkhead.model.faults import Fault, Refused

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# There is none; it is another one; somebody else's conditional write has just come in between.
_TAKEN: Final = frozenset({"NoSuchKey", "PreconditionFailed", "ConditionalRequestConflict"})
_PASSING: Final = frozenset({"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "Throttling"})
_SERVER: Final = 500
_LOG_IN: Final = (CredentialRetrievalError, NoCredentialsError, SSOError, TokenRetrievalError)


class Taken(Exception):
    """Somebody else was faster: the object is there already, or is another one by now."""


class Unreachable(Refused):
    """S3 gave no answer, or one that may be another a little later."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was at a time of S3's. ``tag`` is what a write that replaces it must name."""

    body: bytes
    tag: str
    at: datetime


class Moment(NamedTuple):
    """What time it is by S3's clock, as early and as late as it can be: a machine that slept has seen no time pass by
    one of its clocks, and one whose clock was set by the other."""

    earliest: datetime
    latest: datetime


class Listed(NamedTuple):
    """What is directly below a prefix, in order; of both, names without the prefix."""

    folders: list[str]
    objects: list[str]


class Objects:
    """A bucket, asked by as many threads as there are. ``owner`` is the AWS account it must belong to: the name alone
    may be anybody's, when ours does not exist.

    Raises Unreachable for what may pass, and Refused for what will not.
    """

    def __init__(self, s3: S3Client, bucket: str, owner: str | None = None) -> None:
        self._s3 = s3
        self.bucket = bucket
        self._whose = {"ExpectedBucketOwner": owner} if owner else {}
        self._seen: tuple[datetime, float, float] | None = None

    def now(self) -> Moment:
        """Return the time by S3's clock."""
        if self._seen is None:
            self.list("there is none such/")
        if self._seen is None:
            fault = Fault(self.bucket, "says in no answer what time it is, so nobody could tell whose turn has ended")
            raise Refused("This is no S3.", [fault])
        date, counted, shown = self._seen
        passed = [max(0.0, now - then) for now, then in ((time.monotonic(), counted), (time.time(), shown))]
        return Moment(date + timedelta(seconds=min(passed)), date + timedelta(seconds=max(passed)))

    def read(self, key: str) -> Stored | None:
        """Return an object, None where there is none."""
        try:
            answer = self._ask(self._s3.get_object, Key=key)
            body = answer["Body"].read()
        except Taken:
            return None
        except (BotoCoreError, OSError) as broken:  # in the middle of the body
            raise self._unreachable(broken) from broken
        return Stored(body, answer["ETag"], _date(answer) or self.now().earliest)

    def add(self, key: str, body: bytes) -> str:
        """Write an object that is not there yet; return its tag. Raises Taken where it is."""
        return self._put(key, body, IfNoneMatch="*")

    def replace(self, key: str, body: bytes, tag: str) -> str:
        """Write over the very object that has ``tag``; return the new tag. Raises Taken where it is another one."""
        return self._put(key, body, IfMatch=tag)

    def list(self, prefix: str, after: str = "") -> Listed:
        """Return the names below ``prefix`` that come after ``after``."""
        found, more = Listed([], []), dict[str, Any]()
        if after:
            more["StartAfter"] = f"{prefix}{after}"
        while True:
            page = self._ask(self._s3.list_objects_v2, Prefix=prefix, Delimiter="/", **more)
            found.folders.extend(one["Prefix"][len(prefix) : -1] for one in page.get("CommonPrefixes", ()))
            found.objects.extend(one["Key"][len(prefix) :] for one in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return found
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _put(self, key: str, body: bytes, **condition: str) -> str:
        """A write whose answer was lost is repeated by boto3, and the repetition is refused because of it: what has
        this very content is ours. So contents have to differ by who writes them."""
        try:
            answer = self._ask(self._s3.put_object, Key=key, Body=body, ContentType="application/json", **condition)
        except Taken:
            there = self.read(key)
            if there is None or there.body != body:
                raise
            return there.tag
        return str(answer["ETag"])

    def _ask(self, operation: Callable[..., Any], **request: Any) -> Any:
        sent = (time.monotonic(), time.time())
        try:
            answer = operation(Bucket=self.bucket, **self._whose, **request)
        except ClientError as error:
            self._note_time(error.response, sent)
            raise self._refused(error) from error
        except BotoCoreError as error:
            raise self._unreachable(error) from error
        self._note_time(answer, sent)
        return answer

    def _note_time(self, answer: Any, sent: tuple[float, float]) -> None:
        if date := _date(answer):
            self._seen = (date, *sent)

    def _refused(self, error: ClientError) -> Exception:
        answer: Any = error.response
        code, status = answer["Error"].get("Code", ""), answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _TAKEN:
            return Taken()
        message = f"{error.operation_name}: {code}: {answer['Error'].get('Message', '')}"
        if code in _PASSING or status >= _SERVER:
            fix = "see whether AWS tells of an incident, then run the same command again"
            return Unreachable("S3 could not be asked.", [Fault(self.bucket, message, fix)])
        fix = "use credentials that may do this, then run the same command again"
        if code == "NoSuchBucket":
            message, fix = "does not exist: it holds the stage's state", "bulkhead bootstrap makes it"
        return Refused("S3 refused.", [Fault(self.bucket, message, fix)])

    def _unreachable(self, error: Exception) -> Refused:
        # A message of botocore's names the address that was asked, never a credential.
        message = f"{type(error).__name__}: {error}"
        if isinstance(error, _LOG_IN):
            return Refused(
                "S3 was not asked.", [Fault(self.bucket, message, "log in, then run the same command again")]
            )
        fix = "is there a network, and may this machine reach it? Then run the same command again"
        return Unreachable("S3 could not be asked.", [Fault(self.bucket, message, fix)])


def _date(answer: Any) -> datetime | None:
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return parsedate_to_datetime(told).astimezone(UTC) if told else None
    except ValueError:
        return None
