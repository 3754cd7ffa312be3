"""A local AWS for the operations that talk to AWS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.operations.bootstrap.clients import Clients


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
