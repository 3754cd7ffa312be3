from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.project import ROOT
from tests.support.cloudflare_api import Api, open_api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The API over recorded resources, with the tokens of two stages."""
    opened = open_api(tmp_path)
    yield opened
    opened.journal.close()
    opened.resources.store.close()


@pytest.fixture(scope="module")
def real_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API over a running Miniflare."""
    folder = tmp_path_factory.mktemp("real")
    with LocalCloudflare("staging", folder / "cloud", ROOT, str(folder)) as cloud:
        opened = open_api(folder, running=cloud)
        yield opened
        opened.journal.close()
        opened.resources.store.close()
