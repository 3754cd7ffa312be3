"""Ctrl-C, where what it ends has to give something back first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Let the first SIGINT interrupt this block, and no other one what follows from it. GNU's `timeout` signals the
    command, and then the group that it is in; and people press Ctrl-C again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        if not seen:
            seen = True
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
