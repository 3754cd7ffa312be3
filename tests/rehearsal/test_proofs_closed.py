"""The proof that a closed stage opens to its key alone: it fails for an open door, and for one that never opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bulkhead.model.access import HEADERS
from bulkhead.rehearsal.evidence import Outcome
from tests.support.scene import Break, World


def no_login(world: World) -> None:
    world["staging"].cloud.key = {}


def opens_to(key: dict[str, str]) -> Callable[[World], None]:
    def do(world: World) -> None:
        world["staging"].cloud.key = key

    return do


def no_key(world: World) -> None:
    world["staging"].identities.exported.clear()


def no_address(world: World) -> None:
    world["development"].cloud.routes.clear()


BREAKS = (
    Break("closed", "a hostname without a login", no_login, "staging.harbor.example to be closed to strangers", "200"),
    Break(
        "closed",
        "a login that half a key opens",
        opens_to({HEADERS[0]: "staging.access"}),
        "staging.harbor.example to be closed to strangers",
        "200",
    ),
    Break(
        "closed",
        "a login that another stage's key opens",
        opens_to(dict(zip(HEADERS, ("development.access", "key-of-development"), strict=True))),
        "staging.harbor.example to be closed to strangers",
        "200",
    ),
    Break(
        "closed",
        "a login that opens to nobody",
        opens_to(dict(zip(HEADERS, ("nobody", "none"), strict=True))),
        "staging.harbor.example to open to the key of staging",
        "302",
    ),
    Break("closed", "no key", no_key, "staging to hand its pipelines a key", "none"),
    Break("closed", "no hostname", no_address, "hostnames of development", "none"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_where_every_stage_is_public_there_is_nothing_to_show(tmp_path: Path) -> None:
    assert World(tmp_path, ["production"]).verdict("closed").outcome is Outcome.NOT_SHOWN
