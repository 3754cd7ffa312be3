from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.d1_databases import NASTY, made


@pytest.fixture(scope="session")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is hard to copy; nobody writes to it."""
    return made(tmp_path_factory.mktemp("nasty") / "nasty.sqlite", NASTY)
