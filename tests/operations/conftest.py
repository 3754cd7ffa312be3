"""A local AWS for the operations that talk to AWS."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from operations.bootstrap_plan import Clients
from rehearsal.aws.local import LocalAws

_numbers = itertools.count(200_000_000_001)


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running


@pytest.fixture
def account() -> str:
    """An account that no other test uses."""
    return str(next(_numbers))


@pytest.fixture
def clients(local_aws: LocalAws, account: str) -> Clients:
    return clients_of(local_aws)(account)


def clients_of(local: LocalAws) -> Callable[[str], Clients]:
    def connect(account: str) -> Clients:
        return Clients(
            s3=local.client(account, "s3"),
            kms=local.client(account, "kms"),
            iam=local.client(account, "iam"),
            sts=local.client(account, "sts"),
        )

    return connect
