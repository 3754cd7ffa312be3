from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bulkhead.localclouds.github.api.app import application
from bulkhead.localclouds.providers.store import Store
from tests.support import local_github
from tests.support.local_github import InProcess, LocalGitHub


@pytest.fixture
def github(tmp_path: Path) -> Iterator[LocalGitHub]:
    store = Store(tmp_path / "store.sqlite")
    yield local_github.make(tmp_path, store)
    store.close()


@pytest.fixture
def client(github: LocalGitHub) -> Iterator[httpx.Client]:
    """A client with the token of an app that may do everything."""
    headers = {"Authorization": "Bearer of-an-app"}
    transport = InProcess(application(github.api))
    with httpx.Client(transport=transport, base_url="http://github.local", headers=headers) as client:
        yield client
