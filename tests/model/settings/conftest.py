"""One folder for the many tests that write a stage file and check it at once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose files are overwritten by every test: a fresh one each would take longer than the tests."""
    return tmp_path_factory.mktemp("stages")
