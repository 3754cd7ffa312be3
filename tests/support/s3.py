"""An S3 in this process, without a server: quick enough for the tests that must take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws


class InProcessS3:
    """``client`` talks to it; it takes too long to be made for each test, so a module shares one and empties it."""

    def __init__(self, mocked: Any) -> None:
        self._mocked = mocked
        self.client: Any = boto3.client("s3", region_name="us-east-1")

    def emptied(self) -> Any:
        """Return the client, with nothing in its S3 any more."""
        self._mocked.reset()
        return self.client

    def bucket(self, name: str, *keys: str) -> None:
        """Make a bucket that holds an object for each key."""
        self.client.create_bucket(Bucket=name)
        for key in keys:
            self.client.put_object(Bucket=name, Key=key, Body=b"x")


@contextmanager
def in_process_s3() -> Iterator[InProcessS3]:
    """Let boto3's clients of this process see nothing but the S3 that is yielded."""
    with mock_aws() as mocked:
        yield InProcessS3(mocked)
