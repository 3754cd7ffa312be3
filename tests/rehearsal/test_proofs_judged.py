"""The proof that no policy has anything to say: it fails when one speaks, and when none was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bulkhead.engine.events import PolicySpoke
from bulkhead.rehearsal.evidence import Outcome
from policies.catalogue import RULES
from tests.support.scene import Break, World


def with_stack(stage: str, what: str, expected: str, seen: str, **attributes: Any) -> Break:
    def do(world: World) -> None:
        for name, value in attributes.items():
            setattr(world[stage].stack, name, value)

    return Break("policies", f"{stage}: {what}", do, expected, seen)


ADVICE = PolicySpoke("development", "advisory", "r2-public", "Bucket it: is open")
BREAKS = (
    with_stack("development", "advice", "no rule to speak in development", "r2-public: Bucket", advice=[ADVICE]),
    with_stack(
        "production", "a broken rule", "no rule to speak in production", "s3-public", broken_rules=["s3-public: x"]
    ),
    with_stack("staging", "no pack", "the pack bulkhead to be asked about staging", "none", packs=[]),
    with_stack("staging", "another pack", "the pack bulkhead to be asked about staging", "theirs", packs=["theirs"]),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_the_levels_are_told(tmp_path: Path) -> None:
    verdict = World(tmp_path).verdict("policies")
    assert verdict.outcome is Outcome.PROVEN
    assert verdict.evidence == (
        f"{len(RULES)} rules, and none speaks in development (advisory), staging (mandatory), production (mandatory)"
    )
