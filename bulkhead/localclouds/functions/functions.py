"""Invocations of the local AWS's functions: at once or in turn, tried again, and told where failures are told.

As in AWS: what is invoked asynchronously is tried twice more when it fails, then its event goes to the dead-letter
queue and what came of it to the destination, both with the function's own rights. Lambda waits a minute and two between
the tries; nothing waits here.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bulkhead.localclouds.functions.api import Answer
from bulkhead.localclouds.functions.environment import Ran
from bulkhead.localclouds.functions.execution import Place, tried
from bulkhead.localclouds.functions.letters import Letter, tell

_AT_ONCE: Final = 4  # functions that run side by side
_RETRIES: Final = 2  # Lambda Developer Guide, "Asynchronous invocation"


@dataclass(frozen=True, slots=True)
class Invocation:
    """One try of one event, as it went. ``error`` is empty if it succeeded, ``untold`` if its failure was told where it
    must be or nowhere had to; ``peak`` is in MiB."""

    number: int
    account: str
    function: str
    request: str
    attempt: int
    event: str
    answer: str
    error: str
    seconds: float
    peak: int
    lines: tuple[str, ...]
    untold: str = ""

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "lines": list(self.lines)}


class Functions:
    """What runs functions. ``client`` returns an administrator's client of an account, a service and a region, and
    ``endpoint`` is where the local AWS is. Each try has a folder of its own in ``folder``."""

    def __init__(self, endpoint: str, client: Callable[..., Any], folder: Path | None = None) -> None:
        self.addresses: dict[str, str] = {}
        self._endpoint, self._client, self._folder = endpoint, client, folder
        self._made: Path | None = None
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="function")
        self._ending = threading.Event()
        self._changed = threading.Condition()
        self._pending = 0
        self._done: list[Invocation] = []

    def close(self) -> None:
        """End what runs, drop what waits, and remove every trace."""
        self._ending.set()
        self._pool.shutdown(cancel_futures=True)
        with self._changed:
            self._changed.notify_all()
        if self._made:
            shutil.rmtree(self._made, ignore_errors=True)

    def invoke(self, account: str, region: str, name: str, event: bytes) -> Answer:
        """Run a function at once and return what it answers. Raises ClientError and Failed as `tried` does."""
        request = str(uuid.uuid4())
        self._count(1)
        try:
            ran = tried(self._place(account, region), name, request, event, self._above(), self._ending)
            self._note(account, name, request, 1, event, ran)
        finally:
            self._count(-1)
        return ran.answer

    def enqueue(self, account: str, region: str, name: str, event: bytes) -> None:
        """Run a function in turn, and again where it fails."""
        self._count(1)  # before it is handed on: whoever asks at once must wait
        self._pool.submit(self._worked_off, self._place(account, region), name, event)

    def invocations(self, after: int = 0) -> list[Invocation]:
        """Return what ran after the invocation of a number, once nothing runs and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending == 0 or self._ending.is_set())
            return self._done[after:]

    def _worked_off(self, place: Place, name: str, event: bytes) -> None:
        request, attempt = str(uuid.uuid4()), 0
        try:
            settings = _settings(place, name)
            tries = 1 + settings.get("MaximumRetryAttempts", _RETRIES)
            for attempt in range(1, tries + 1):
                ran = tried(place, name, request, event, self._above(), self._ending)
                if self._ending.is_set():
                    return
                last = attempt == tries or not ran.answer.error
                untold = tell(place, name, Letter(request, event, ran.answer, attempt), settings) if last else ""
                self._note(place.account, name, request, attempt, event, ran, untold)
                if last:
                    return
        except Exception as error:  # nobody sees the error of a thread
            told = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode()
            ran = Ran(Answer(told, type(error).__name__), (), 0.0, 0)
            self._note(place.account, name, request, attempt, event, ran)
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._changed:
            self._pending += more
            self._changed.notify_all()

    def _note(
        self, account: str, name: str, request: str, attempt: int, event: bytes, ran: Ran, untold: str = ""
    ) -> None:
        asked, answered = (each.decode(errors="replace") for each in (event, ran.answer.payload))
        about = (ran.answer.error, ran.seconds, ran.peak, ran.lines, untold)
        with self._changed:
            self._done.append(Invocation(len(self._done) + 1, account, name, request, attempt, asked, answered, *about))

    def _place(self, account: str, region: str) -> Place:
        client = partial(self._client, account, region=region)
        return Place(self._endpoint, account, region, client, self.addresses)

    def _above(self) -> Path:
        with self._changed:
            if self._made is None:
                if self._folder:
                    self._folder.mkdir(parents=True, exist_ok=True)
                self._made = Path(tempfile.mkdtemp(prefix="bulkhead-functions-", dir=self._folder))
            return self._made


def _settings(place: Place, name: str) -> Mapping[str, Any]:
    lambda_ = place.client("lambda")
    with suppress(lambda_.exceptions.ResourceNotFoundException):
        found: Mapping[str, Any] = lambda_.get_function_event_invoke_config(FunctionName=name)
        return found
    return {}
