"""One leak of each kind, all planted in one staging at once: each is named, with its place and whose it is."""

from __future__ import annotations

from functools import reduce

import pytest

from bulkhead.analysis.isolation.check import Isolation, Leak, isolation
from bulkhead.resources import types as t
from tests.support.plans import added, planned
from tests.support.planted_leaks import BUCKET, GITHUB, PLANTS, TRUST


@pytest.fixture(scope="module")
def found() -> Isolation:
    plants = [plant for plant, _ in PLANTS.values()]
    return isolation([reduce(lambda plan, plant: plant(plan), plants, planned("staging")), planned("production")])


@pytest.mark.parametrize("what", PLANTS)
def test_a_planted_leak_is_named(what: str, found: Isolation) -> None:
    expected = PLANTS[what][1]
    there = [leak for leak in found.leaks if (leak.resource, leak.path) == expected[1:3] and leak.stage == "staging"]
    assert [(leak.kind, leak.whose) for leak in there] == [(expected[0], expected[3])], _near(found, expected)


def _near(found: Isolation, expected: tuple[str, ...]) -> list[Leak]:
    return [leak for leak in found.leaks if leak.resource == expected[1]]


def test_every_leak_says_what_it_causes_and_what_mends_it(found: Isolation) -> None:
    assert len(found.leaks) >= len(PLANTS)
    for leak in found.leaks:
        assert leak.wrong, leak
        assert leak.causes, leak
        assert leak.fix, leak


def test_no_leak_shows_what_is_sealed(found: Isolation) -> None:
    assert not [leak for leak in found.leaks if "hush" in f"{leak.wrong}{leak.path}{leak.fix}"]
    assert "hush" not in repr(found)


def test_the_matrix_counts_them_where_they_are(found: Isolation) -> None:
    counted = {(count.kind, count.stage): count.leaks for count in found.counts}
    assert sum(counted.values()) == len(found.leaks)
    assert counted[GITHUB, "staging"] == sum(leak.kind == GITHUB for leak in found.leaks if leak.stage == "staging")
    assert counted[TRUST, "staging"] == 4
    assert counted[TRUST, "production"] == 0


def test_what_two_stages_both_make_is_named_once_for_both() -> None:
    staging = added(planned("staging"), t.S3_BUCKET, {"bucket": BUCKET})
    (leak,) = (leak for leak in isolation([staging, planned("production")]).leaks if leak.kind == "names")
    assert (leak.stage, leak.resource, leak.whose) == ("production", "Bucket vault", "staging")
    assert "Bucket planted" in leak.wrong
