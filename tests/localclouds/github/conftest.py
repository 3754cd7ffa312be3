from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import local_github
from tests.support.local_github import LocalGitHub


@pytest.fixture
def github(tmp_path: Path) -> Iterator[LocalGitHub]:
    with local_github.running(tmp_path) as github:
        yield github


@pytest.fixture
def client(github: LocalGitHub) -> Iterator[httpx.Client]:
    """A client with the token of an app that may do everything."""
    with github.client(github.tokens["harbor-ci"]) as client:
        yield client
