"""The local Cloudflare of one stage: starts the host process, sends it the stage's configuration, ends it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

from bulkhead.localclouds.cloudflare import options
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.handler import ApiRefusal
from bulkhead.localclouds.providers.store import Record
from bulkhead.machine.environment import child_environment
from bulkhead.machine.node import find_node
from bulkhead.model.failures import Failed, tail

_HOST: Final = Path(__file__).with_name("host.mjs")
_GRACE: Final = 5.0  # seconds for Miniflare to end workerd; it takes 0.02


class LocalCloudflare:
    """One environment's Cloudflare account on 127.0.0.1: Miniflare in a process of its own.

    ``directory`` keeps what the stage stores and ``uploads`` its Workers' modules, ``root`` is the checkout, ``mark``
    is what every process of the rehearsal carries. ``packages`` is the package.json beside whose node_modules Miniflare
    is. Hold ``lock`` while reading records and applying them, or older records may overwrite newer ones.
    """

    def __init__(
        self,
        environment: str,
        directory: Path,
        root: Path,
        mark: str,
        *,
        log: Path | None = None,
        packages: Path | None = None,
    ) -> None:
        self.environment = environment
        self.token = secrets.token_urlsafe(24)
        self.lock = threading.RLock()
        # Proposed records: they are tried before they are written to the store.
        self.proposed: dict[tuple[str, str], Record] = {}
        directory = directory.resolve()  # the host gets paths, and Node takes only absolute ones
        self._persist = directory / "data"
        self.uploads = Uploads(directory / "uploads")
        self._tmp = directory / "tmp"
        self._mark = mark
        self._log = log or directory / "host.log"
        self._packages = (packages or root / "worker" / "package.json").resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where the stage's public Worker answers."""
        return self._ready["url"]

    @property
    def control(self) -> str:
        """Where `StageCloud` asks, with ``token``."""
        return self._ready["control"]

    @property
    def runtime_date(self) -> str:
        """The newest compatibility date that this workerd knows."""
        return self._ready["compatibilityDate"]

    @property
    def client(self) -> StageCloud:
        return StageCloud(self.control, self.token)

    def start(self, timeout: float = 30.0) -> None:
        """Start the process and return when it is ready. Raises Failed when it ends or says nothing in time."""
        for directory in (self._persist, self._tmp):
            directory.mkdir(parents=True, exist_ok=True)
        environment = child_environment(home=str(self._tmp), mark=self._mark)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [find_node().path, _HOST, self._packages, self._persist],
                env=environment | {"BULKHEAD_CONTROL_TOKEN": self.token, "TMPDIR": str(self._tmp)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        try:
            self._ready = self._addresses(_first_line(self._process, timeout))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process, and workerd with it. What the stage stored stays on disk."""
        process, self._process = self._process, None
        if process is None:
            return
        children = _children(process.pid)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # Where Node had to be killed, or was, workerd would go on serving.
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGKILL)

    def apply(self, records: Iterable[Record]) -> None:
        """Apply ``records`` to the stage now. Raises ApiRefusal with workerd's own message when they cannot run; then
        the old ones still do."""
        self._change("apply", list(records), ())

    def declare(self, records: Iterable[Record], removed: Sequence[str] = ()) -> None:
        """Apply ``records`` to the stage soon, at the latest before the next operation.

        ``removed`` are paths of stores that are gone; their files are deleted once workerd has let go of them.
        """
        self._change("declare", list(records), removed)

    def object_directories(self) -> list[str]:
        """Return the directories that hold Durable Objects, one for each class that ever had any."""
        found = self._persist / "do"
        return sorted(directory.name for directory in found.iterdir()) if found.exists() else []

    def _change(self, operation: str, records: list[Record], removed: Sequence[str]) -> None:
        with self.lock:
            merged = {(record.type, record.id): record for record in records} | self.proposed
            records = list(merged.values())
            removals = [*removed, *options.removals(records)]
            try:
                self.client.call(operation, wanted=options.build(records, self.uploads), removals=removals)
            except Failed as failure:
                raise ApiRefusal(failure.summary.removeprefix(f"{operation}: ")) from failure

    def _addresses(self, line: bytes) -> dict[str, str]:
        if not line:
            raise Failed(f"The local Cloudflare of {self.environment} did not start.", tail(self._log), self._log)
        addresses: dict[str, str] = json.loads(line)
        return addresses


def _first_line(process: subprocess.Popen[bytes], timeout: float) -> bytes:
    """Return the first line of the process's stdout, or b"" when it ended, or was silent for too long."""
    assert process.stdout is not None  # noqa: S101 - started with a pipe
    deadline, line = time.monotonic() + timeout, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return b""
            part = os.read(process.stdout.fileno(), 65536)
            if not part:
                return b""
            line += part
    return line


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
