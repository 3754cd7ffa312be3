"""Objects of S3 as streams, in constant memory: written in parts while they are made, read on where they break off."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PART: Final = 8 << 20  # bytes
CHECKSUM: Final = "CRC32"
"""Of what is written: S3 demands one where objects are locked, and releases of boto3 have other defaults."""
_PART: Final = ("ETag", f"Checksum{CHECKSUM}")
_WAITING: Final = 1  # parts that are sent while the next one is made
_TRIES: Final = 5
_BROKEN: Final = (BotoCoreError, ClientError, OSError)


class StreamFailed(Exception):
    """An object could not be written or read to its end."""


class Writing:
    """Writes one content as an object at each of several keys, for which ``objects`` has what S3 is told of it.

    At the end of a ``with`` they are there; when that is left by an exception none is, and what was sent is given up.
    A process that is killed leaves uploads that nobody can read, which the bucket's lifecycle removes.
    """

    def __init__(self, s3: Any, bucket: str, objects: Mapping[str, Mapping[str, Any]], part: int = PART) -> None:
        self._s3, self._bucket, self._size = s3, bucket, part
        self._objects = objects
        self._uploads: dict[str, str] = {}
        self._parts: dict[str, list[dict[str, Any]]] = {key: [] for key in objects}
        self._made = bytearray()
        self._sent: deque[Future[None]] = deque()
        self._pool = ThreadPoolExecutor(1, "upload")
        self.bytes = 0

    def write(self, content: bytes) -> None:
        self._made += content
        self.bytes += len(content)
        while len(self._made) >= self._size:
            self._send(self._size)

    def __enter__(self) -> Self:
        try:
            for key, told in self._objects.items():
                made = self._s3.create_multipart_upload(
                    Bucket=self._bucket, Key=key, ChecksumAlgorithm=CHECKSUM, **told
                )
                self._uploads[key] = made["UploadId"]
        except BaseException:
            self._give_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._give_up()
            return
        try:
            if self._made or not self.bytes:
                self._send(len(self._made))
            while self._sent:
                self._sent.popleft().result()
            for key in [*self._uploads]:
                self._complete(key)
        except BaseException:
            self._give_up()
            raise
        self._pool.shutdown()

    def _send(self, size: int) -> None:
        while len(self._sent) > _WAITING - 1:
            self._sent.popleft().result()
        content = bytes(memoryview(self._made)[:size])
        del self._made[:size]
        self._sent.append(self._pool.submit(self._upload, content))

    def _upload(self, content: bytes) -> None:
        for key, upload in self._uploads.items():
            number = len(self._parts[key]) + 1
            sent = self._s3.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload,
                PartNumber=number,
                Body=content,
                ChecksumAlgorithm=CHECKSUM,
            )
            # At the end, S3 wants to hear of each part what it said.
            self._parts[key].append({"PartNumber": number, **{name: sent[name] for name in _PART}})

    def _complete(self, key: str) -> None:
        whole = {"Parts": self._parts[key]}
        try:
            self._s3.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=self._uploads[key], MultipartUpload=whole
            )
        except (BotoCoreError, ClientError):
            # boto3 asks again when an answer is lost, and then S3 knows of no such upload any more.
            if self._size_of(key) != self.bytes:
                raise
        del self._uploads[key]

    def _size_of(self, key: str) -> int | None:
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1).get("Contents", ())
        return next((each["Size"] for each in found if each["Key"] == key), None)

    def _give_up(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        for key, upload in self._uploads.items():
            with suppress(BotoCoreError, ClientError):  # the lifecycle removes it
                self._s3.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)


class Reading(io.RawIOBase):
    """An object from its beginning to its end. Raises StreamFailed where it cannot be read on."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        super().__init__()
        self._s3, self._bucket, self._key = s3, bucket, key
        self._at = self._tries = 0
        answer = s3.get_object(Bucket=bucket, Key=key)
        self.size: int = answer["ContentLength"]
        self._tag, self._body = answer["ETag"], answer["Body"]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        wanted = min(len(view), self.size - self._at)
        content = b""
        while wanted and not content:
            reason = "it ended early"
            try:
                content = self._body.read(wanted)
            except _BROKEN as error:
                reason = type(error).__name__
            if not content:
                self._go_on(reason)
        view[: len(content)] = content
        self._at += len(content)
        return len(content)

    def _go_on(self, reason: str) -> None:
        self._tries += 1
        self._body.close()
        if self._tries == _TRIES:
            raise StreamFailed(f"{self._key} broke off after {self._at} of {self.size} bytes: {reason}")
        where = {"Range": f"bytes={self._at}-", "IfMatch": self._tag}
        try:
            self._body = self._s3.get_object(Bucket=self._bucket, Key=self._key, **where)["Body"]
        except _BROKEN as error:
            raise StreamFailed(f"{self._key} cannot be read on after {self._at} bytes: {error}") from error

    def close(self) -> None:
        self._body.close()
        super().close()
