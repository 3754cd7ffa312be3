from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.engine.finder import find_engine
from bulkhead.localclouds.api.faults import FaultPlan
from bulkhead.localclouds.api.seed import Seed, Tenant
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.github.api.app import application
from bulkhead.localclouds.github.api.cloud import GitHub
from bulkhead.localclouds.github.api.credentials import Credentials
from bulkhead.localclouds.providers.cloudflare_remote import cloudflare_remotes
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.github_remote import github_remotes
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.remote import Remote
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store
from tests.support.cloudflare_api import ACCOUNT, open_api
from tests.support.in_process import InProcess
from tests.support.provider_cloud import STAGES, Cloud, token_of


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
def cloud(tmp_path: Path, engine: None, quiet_grpc: None) -> Iterator[Cloud]:
    """Our own providers, with the APIs behind them; what is in Cloudflare and GitHub is recorded and no more."""
    tenants = [
        Tenant(
            environment,
            ACCOUNT,
            repository="acme/harbor",
            tokens={cloud: {token_of(environment): "deploy"} for cloud in ("cloudflare", "github")},
        )
        for environment in (*STAGES, "staging-again")
    ]
    api = open_api(tmp_path, *tenants)
    hub = GitHub(api.resources, Seed(tmp_path / "seed.json"))
    credentials = Credentials(Seed(tmp_path / "seed.json"), hub)
    github = application(hub, credentials, api.journal, FaultPlan(tmp_path / "faults.json"))
    remote: dict[str, Remote] = {
        **cloudflare_remotes(f"http://127.0.0.1{PREFIX}", api.transport()),
        **github_remotes("http://127.0.0.1", InProcess(github)),
    }
    server = ProviderServer(ProviderServicer(Dispatch(api.resources, remote)))
    yield Cloud(server, api.resources.store, tmp_path)
    server.stop()
    api.resources.store.close()
    api.journal.close()
    gc.collect()  # an abandoned event loop complains here, not in whatever test comes next
