"""Imports of modules that stay loaded until the process ends, with the garbage collector suspended."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Suspend the garbage collector during an import, and exempt the imported objects from it for good.

    The providers' SDKs create a third of a million objects that are never freed. While they were loaded, the collector
    scanned them again and again, which took half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
