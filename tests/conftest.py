"""What all rooms' tests share: a local AWS, a Pulumi CLI, and what keeps them fast enough to be run all the time."""

from __future__ import annotations

import gc
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.fake_pulumi import FakePulumi

if TYPE_CHECKING:
    from bulkhead.localclouds.aws.local import LocalAws
    from tests.support.s3 import InProcessS3

_account_numbers = itertools.count(100_000_000_001)
_LOCAL_CLOUDS: Final = {"local_aws", "local_s3"}  # fixtures: whoever uses one needs a local cloud

# The providers' SDKs are a third of a million objects that stay. While they are loaded, the collector looks at them
# again and again and finds nothing; afterwards every full collection would take 0.3 s.
gc.disable()


def pytest_configure() -> None:
    """Let Ctrl-C interrupt the programs that tests start. A shell that runs the suite in the background ignores SIGINT,
    and every program started from there inherits that: the tests that interrupt one would wait for ever."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # `make test` runs the tests; a make that one of them starts is a make of its own.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        os.environ.pop(name, None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not _LOCAL_CLOUDS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """One local AWS for all tests: moto keeps its state per process, so accounts keep the tests apart."""
    from bulkhead.localclouds.aws.local import LocalAws  # noqa: PLC0415 (moto takes a second to import)

    with LocalAws() as running:
        yield running


@pytest.fixture(scope="module")
def local_s3() -> Iterator[InProcessS3]:
    """An S3 inside this process, for what needs nothing else of AWS."""
    from tests.support.s3 import in_process_s3  # noqa: PLC0415

    with in_process_s3() as s3:
        yield s3


@pytest.fixture
def account() -> str:
    """An AWS account that no other test uses."""
    return str(next(_account_numbers))


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """A Pulumi CLI that answers what the test wants; there is no other one on PATH."""
    fake = FakePulumi(tmp_path / "pulumi")
    monkeypatch.setenv("PATH", f"{fake.bin}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return fake
