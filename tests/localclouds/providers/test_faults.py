"""A write that fails half-way, of each type and in each way: the next up converges, or it is said what to adopt."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.rehearsal.faults import Act, Write, writes
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import ResourceType
from tests.support import faulty_clouds, github_lives
from tests.support.cloudflare_api import ACCOUNT
from tests.support.cloudflare_plugin_cases import BEFORE, IDS, LEAST, UPDATES
from tests.support.faulty_clouds import FaultyClouds, Program, declare
from tests.support.github_lives import ENVIRONMENT, LIVES

Inputs = Mapping[str, Any]
Declared = tuple[ResourceType, str, Inputs]

pytestmark = [
    pytest.mark.slow,
    # The SDK abandons the event loop of a program whose engine has failed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

EVERY: Final = tuple((write, failing) for write in (*writes(), *github_lives.writes()) for failing in Failing)
# What a queue has one of, and no import takes: a Worker that is deployed.
CONSUMER: Final[Inputs] = {"queueId": "events-id", "type": "worker", "scriptName": "shop"}
DEPLOYED: Final = (t.WORKER, t.WORKER_VERSION, t.WORKERS_DEPLOYMENT)
SEED: Final = 20  # of the few that stand for all
SOME: Final = random.Random(SEED).sample(EVERY, 2)  # noqa: S311 - nothing is secret about it


@pytest.fixture
def clouds(tmp_path: Path, engine: None, quiet_grpc: None) -> Iterator[FaultyClouds]:
    with faulty_clouds.running(tmp_path) as clouds:
        yield clouds
    gc.collect()  # an abandoned event loop complains here, not in whatever test comes next


def said(case: tuple[Write, Failing]) -> str:
    write, failing = case
    return f"{write.type.kind}-{write.act}-{write.method} {write.route.rpartition('}/')[2]}-{failing.name.lower()}"


@pytest.mark.parametrize(
    "case", [pytest.param(each, id=said(each), marks=() if each in SOME else pytest.mark.faults) for each in EVERY]
)
def test_a_write_that_fails_half_way_is_survived(clouds: FaultyClouds, case: tuple[Write, Failing]) -> None:
    write, failing = case
    before, after = programs(write)
    assert clouds.up(before) == ""

    clouds.fail(PlannedFault(write.method, write.route, failing))
    complaint = clouds.up(after)
    assert clouds.failed()
    if complaint:
        assert "subject" in complaint
        assert "bulkhead adopt staging" in complaint

    if clouds.up():
        assert complaint
        clouds.adopt()
        assert clouds.up() == ""
    seen = clouds.adopt()
    assert not seen.matches
    assert not seen.in_the_way
    for obstacle in seen.strays:
        clouds.remove(obstacle.removal)
    assert clouds.changes() == []
    # A second version or deployment is one of many that stay anyway; the complaint has named it.
    assert all(CATALOGUE[type_].left_behind and complaint for type_ in clouds.orphans())


def programs(write: Write) -> tuple[Program, Program]:
    """Return what stands before the write, and what an up makes of it with the write."""
    first, second, around = github_life(write.type) if write.type.provider == "github" else cloudflare_life(write.type)
    without, given, changed = declare(*around), *(declare(*around, (write.type, "subject", i)) for i in (first, second))
    return {Act.CREATE: (without, given), Act.CHANGE: (given, changed), Act.DELETE: (given, without)}[write.act]


def github_life(type_: ResourceType) -> tuple[Inputs, Inputs, list[Declared]]:
    first, second, _ = LIVES[type_]
    around = (t.GITHUB_REPOSITORY_ENVIRONMENT, "environment", ENVIRONMENT)
    return first, second, [around] if type_ != t.GITHUB_REPOSITORY_ENVIRONMENT else []


def cloudflare_life(type_: ResourceType) -> tuple[Inputs, Inputs, list[Declared]]:
    in_account = {"accountId": ACCOUNT}
    least = {**LEAST, t.QUEUE_CONSUMER: CONSUMER}
    before = (*BEFORE.get(type_, ()), *(DEPLOYED if type_ == t.QUEUE_CONSUMER else ()))
    updates: Iterator[tuple[Inputs, Inputs]] = ((a, b) for of, a, b in UPDATES if of == type_)
    first, second = next(updates, ({}, {}))
    around: list[Declared] = [
        (each, next(iter(IDS.get(each, {"": each.kind}).values())), {**in_account, **least[each]}) for each in before
    ]
    return in_account | {**least[type_], **first}, in_account | {**least[type_], **second}, around
