from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.engine.finder import find_engine
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store
from tests.support.provider_cloud import Cloud


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def resources(store: Store) -> Resources:
    return Resources(Registry(), store)


@pytest.fixture
def caller() -> Caller:
    return Caller("staging", "cloudflare", {"apiToken": "made-up"})


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A Worker's code."""
    path = tmp_path / "index.js"
    path.write_text("export default {}")
    return path


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real engine, first on PATH, and an environment that holds nobody's credentials."""
    monkeypatch.setenv("PATH", f"{find_engine().path.parent}{os.pathsep}{os.environ['PATH']}")
    for name in [name for name in os.environ if name.startswith(("CLOUDFLARE_", "GITHUB_", "AWS_", "PULUMI_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def quiet_grpc() -> Iterator[None]:
    """The SDK's server of an inline program logs its own exception when an engine has failed. pytest keeps what is
    logged to the end of the session, and with the exception the event loop that the SDK has not closed."""
    logger = logging.getLogger("grpc._server")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.fixture
def cloud(tmp_path: Path, store: Store, engine: None, quiet_grpc: None) -> Iterator[Cloud]:
    server = ProviderServer(ProviderServicer(Dispatch(Resources(Registry(), store))))
    yield Cloud(server, store, tmp_path)
    server.stop()
    gc.collect()  # an abandoned event loop complains here, not in whatever test comes next
