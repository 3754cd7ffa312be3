from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.localclouds.cloudflare.local import LocalCloudflare

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloudflare]:
    """A local Cloudflare of its own that is running and empty."""
    with LocalCloudflare("development", tmp_path / "development", ROOT, str(tmp_path)) as local:
        yield local


@pytest.fixture(scope="module")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudflare]:
    """A local Cloudflare for tests that only look."""
    directory = tmp_path_factory.mktemp("cloud")
    with LocalCloudflare("development", directory, ROOT, str(directory)) as local:
        yield local
