from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cloudflare_api import Api, open_api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The API over recorded resources, with the tokens of two stages."""
    opened = open_api(tmp_path)
    yield opened
    opened.journal.close()
    opened.resources.store.close()
