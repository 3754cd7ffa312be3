"""A stack's program that runs in this process: what it raised, and the end of its event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pulumi

from bulkhead.model.faults import Refused

_PATIENCE: Final = 5.0  # seconds for a program to notice that its engine is gone
_IDLE: Final = 0.5  # seconds in which the SDK closes an event loop that no longer runs


class WatchedProgram:
    """A program, to be given to the engine. ``error`` is what it raised when it last ran, None where it did not."""

    def __init__(self, program: Callable[[], None]) -> None:
        self.unwatched = program
        self.error: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> None:
        """Run the program; keep its exception, and report that to the engine in one line."""
        self._loop = asyncio.get_running_loop()
        try:
            self.unwatched()
        except pulumi.RunError as error:
            self.error = error.__context__ if isinstance(error.__context__, Refused) else None
            raise
        except Exception as error:
            self.error = error
            raise pulumi.RunError(f"{type(error).__name__}: {error}") from error

    def forget(self) -> None:
        """Forget what an earlier run raised: the engine need not run the program again."""
        self.error = None

    def close_loop(self) -> None:
        """Close the program's event loop. The SDK closes it in a thread of its own, but not when the engine is gone:
        before that it sends a last message to the engine, which then fails."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        began = idle_since = time.monotonic()
        while not loop.is_closed() and (now := time.monotonic()) < began + _PATIENCE and now < idle_since + _IDLE:
            if loop.is_running():
                idle_since = now  # its calls to the engine are just failing
            time.sleep(0.01)
        if not loop.is_running():
            with suppress(ValueError, OSError):  # the SDK is closing it this very moment
                loop.close()
