from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from tests.localclouds.cloudflare.wrangler import Wrangler
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api, open_api

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloudflare]:
    """A local Cloudflare of its own that is running and empty."""
    with LocalCloudflare("development", tmp_path / "development", ROOT, str(tmp_path)) as local:
        yield local


@pytest.fixture
def api(cloud: LocalCloudflare, tmp_path: Path) -> Iterator[Api]:
    """The API of the cloud that is running."""
    opened = open_api(tmp_path, running=cloud)
    yield opened
    opened.journal.close()
    opened.resources.store.close()


@pytest.fixture
def wrangler(api: Api, tmp_path: Path) -> Iterator[Wrangler]:
    """Cloudflare's own command, in a project of its own, for the cloud that is running."""
    server = ApiServer(api.app)
    yield Wrangler(tmp_path / "wrangler", f"{server.url}{PREFIX}", ACCOUNT, TOKEN)
    server.stop()


@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudflare]:
    """A local Cloudflare for tests that only look."""
    directory = tmp_path_factory.mktemp("cloud")
    with LocalCloudflare("development", directory, ROOT, str(directory)) as local:
        yield local
