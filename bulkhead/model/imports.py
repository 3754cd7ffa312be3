"""Imports of what stays until the process ends (pure)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_for_good() -> Iterator[None]:
    """Let no collection look at what is imported here. The providers' SDKs are a third of a million objects that stay:
    while they are loaded, the collector looks at them again and again, finds nothing, and takes half of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
