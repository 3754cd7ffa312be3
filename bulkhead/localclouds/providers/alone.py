"""Our own providers without any stage or cloud: they only compare a program with a state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store


@contextmanager
def serving(folder: Path) -> Iterator[dict[str, int]]:
    """Serve them on 127.0.0.1 for the length of a ``with``, their store in ``folder``; yield the
    port of each package."""
    store = Store(folder / "store.sqlite")
    server = ProviderServer(ProviderServicer(Dispatch(Resources(Registry(), store))))
    try:
        yield server.ports
    finally:
        server.stop()
        store.close()
