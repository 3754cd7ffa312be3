"""Our own providers without any stage: they compare a program with a state, and hold no cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.providers.registry import Registry
from rehearsal.providers.resources import Resources
from rehearsal.providers.server import ProviderServer, ProviderServicer
from rehearsal.providers.store import Store


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve them on 127.0.0.1 for the length of a ``with``, their store in ``folder``; yield PULUMI_DEBUG_PROVIDERS."""
    store = Store(folder / "store.sqlite")
    server = ProviderServer(ProviderServicer(Resources(Registry(), store)))
    try:
        yield server.debug_providers
    finally:
        server.stop()
        store.close()
