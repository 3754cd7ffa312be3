"""An S3 that several deployments share, as something goes wrong: answers are lost, nobody answers, time passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from botocore.exceptions import ClientError, EndpointConnectionError

BUCKET: Final = "harbor-staging-state-123456789012"


class Cloud:
    """What all clients of one S3 share. ``ahead`` are seconds that have passed there and nowhere else."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.ahead = 0.0
        client.create_bucket(Bucket=BUCKET)

    def pass_time(self, seconds: float) -> None:
        self.ahead += seconds

    def names(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]

    def body(self, key: str) -> str:
        return str(self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())


class SharedS3:
    """A client of it, as boto3's. ``before`` and ``after`` are called with the operation and the key, and may raise in
    place of an answer: before S3 was asked, or after it did what it was asked."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.before: Callable[[str, str], None] = lambda _operation, _key: None
        self.after: Callable[[str, str], None] = lambda _operation, _key: None

    def get_object(self, **request: Any) -> Any:
        return self._ask("get_object", request)

    def put_object(self, **request: Any) -> Any:
        return self._ask("put_object", request)

    def list_objects_v2(self, **request: Any) -> Any:
        return self._ask("list_objects_v2", request)

    def _ask(self, operation: str, request: dict[str, Any]) -> Any:
        key = request.get("Key", request.get("Prefix", ""))
        self.before(operation, key)
        try:
            answer = getattr(self._cloud.client, operation)(**request)
        except ClientError as refused:
            self._shift(refused.response)
            raise
        self.after(operation, key)
        self._shift(answer)
        return answer

    def _shift(self, answer: Any) -> None:
        date = _now() + timedelta(seconds=self._cloud.ahead)
        answer["ResponseMetadata"]["HTTPHeaders"]["date"] = format_datetime(date, usegmt=True)


def _now() -> datetime:
    return datetime.now(UTC)  # not time.time, which a test may set: only this machine's clock is wrong then


def no_answer() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="https://s3.example")


def once(operation: str, key: str = "") -> Callable[[str, str], None]:
    """Return what loses the answer of the first call of an operation whose key ends in ``key``."""
    left = [True]

    def lose(asked: str, of: str) -> None:
        if left and asked == operation and of.endswith(key):
            left.pop()
            raise no_answer()

    return lose
