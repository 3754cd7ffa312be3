"""That a task runs once at a time: an object that its run has to renew, written on conditions that S3 decides.

Reserved concurrency would do it as well, but a fresh AWS account has none to give. A run that is killed renews nothing,
so its task is free before Lambda tries again, a minute later.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

LENGTH: Final = timedelta(seconds=50)
_EVERY: Final = 15.0  # seconds between renewals
_ON_ITS_WAY: Final = timedelta(minutes=10)  # in which the next part of a run must have begun
TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
"""What S3 answers a write on a condition that is not met."""
_TRIES: Final = 5


class Busy(Exception):
    """The task is under way, in ``run``."""

    def __init__(self, run: str, until: str) -> None:
        super().__init__(f"the run {run} is under way, until {until} at least")
        self.run = run


class Lost(Exception):
    """Another run has the task by now: this one must not go on."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """Who has the task until when. ``part`` counts a run's invocations; what is ``handed`` on waits for the next."""

    run: str
    part: int
    until: str
    nonce: str = ""
    handed: bool = False


class Lease:
    """The lease at ``key`` of the bucket, for a run's part. ``now`` is a clock."""

    def __init__(self, s3: Any, bucket: str, key: str, run: str, part: int, now: Callable[[], datetime]) -> None:
        self._s3, self._now = s3, now
        self._where = {"Bucket": bucket, "Key": key}
        self._mine = Tenure(run, part, "", secrets.token_hex(8))
        self._tag = ""
        self._ends = now()
        self._lock = threading.Lock()
        self._is_lost = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Have the task, and renew that until the end. Raises Busy."""
        self._take()
        stop = threading.Event()
        renewing = threading.Thread(target=self._renew_until, args=(stop,), name="lease", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            stop.set()
            renewing.join()
            with suppress(BotoCoreError, ClientError):  # then it ends by itself
                self._release()

    def require(self) -> None:
        """Raise Lost unless this run still has the task."""
        if self._is_lost or self._now() >= self._ends:
            raise Lost(f"{self._where['Key']} is another run's by now, or S3 could not be asked for {LENGTH}")

    def hand_on(self) -> None:
        """Keep the task for the run's next part, and do not release it."""
        with self._lock:
            try:
                self._write(self._for(_ON_ITS_WAY, handed=True), IfMatch=self._tag)
            except _Taken:
                self._is_lost = True
                self.require()
            self._mine = replace(self._mine, handed=True)

    def take_back(self) -> None:
        """Undo `hand_on`, where nobody could be told to go on."""
        self._mine = replace(self._mine, handed=False)

    def _take(self) -> None:
        """Written first and read when it is there, because S3 tells nobody that an object is missing who may not list
        the bucket."""
        condition = {"IfNoneMatch": "*"}
        for _ in range(_TRIES):
            with suppress(_Taken):
                self._write(self._for(LENGTH), **condition)
                return
            if there := self._read():
                tenure, tag = there
                if not self._is_free(tenure):
                    raise Busy(tenure.run, tenure.until)
                condition = {"IfMatch": tag}
        raise Busy("of somebody who was faster each time", "its end")

    def _is_free(self, tenure: Tenure) -> bool:
        """Whether the task can be had: nobody has it, or it waits for this part. It may be handed on once more by the
        part that did so, because that may have been killed before it told the next."""
        mine = self._mine
        is_ours = tenure.handed and tenure.run == mine.run and tenure.part in {mine.part, mine.part - 1}
        return is_ours or datetime.fromisoformat(tenure.until) <= self._now()

    def _renew_until(self, stop: threading.Event) -> None:
        while not stop.wait(_EVERY):
            try:
                with self._lock:
                    if not self._mine.handed:
                        self._write(self._for(LENGTH), IfMatch=self._tag)
            except _Taken:
                self._is_lost = True
                return
            except (BotoCoreError, ClientError):  # the next renewal may reach S3, or the lease ends
                continue

    def _release(self) -> None:
        if not self._mine.handed:
            with suppress(_Taken):
                self._write(self._for(timedelta()), IfMatch=self._tag)

    def _for(self, length: timedelta, *, handed: bool = False) -> Tenure:
        return replace(self._mine, until=(self._now() + length).isoformat(), handed=handed)

    def _read(self) -> tuple[Tenure, str] | None:
        try:
            answer = self._s3.get_object(**self._where)
        except self._s3.exceptions.NoSuchKey:  # somebody has just deleted it
            return None
        try:
            return Tenure(**json.loads(answer["Body"].read())), answer["ETag"]
        except (ValueError, TypeError) as error:
            raise Lost(f"{self._where['Key']} is no lease. fix: delete it") from error

    def _write(self, tenure: Tenure, **condition: str) -> None:
        """Raises _Taken. boto3 repeats a write whose answer was lost, and S3 refuses the repetition: what is there with
        our nonce and our end is ours."""
        body = json.dumps(asdict(tenure)).encode()
        try:
            answer = self._s3.put_object(**self._where, Body=body, ContentType="application/json", **condition)
        except ClientError as error:
            if error.response["Error"].get("Code") not in TAKEN:
                raise
            there = self._read()
            if there is None or there[0] != tenure:
                raise _Taken from error
            answer = {"ETag": there[1]}
        self._tag, self._ends = answer["ETag"], datetime.fromisoformat(tenure.until)


class _Taken(Exception):
    """Somebody else wrote in between."""
