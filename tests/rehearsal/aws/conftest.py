"""One local AWS for all tests of this room: moto keeps its state per process, so accounts keep the tests apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from rehearsal.aws.local import LocalAws

_numbers = itertools.count(100_000_000_001)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running


@pytest.fixture
def account() -> str:
    """An account that no other test uses."""
    return str(next(_numbers))
