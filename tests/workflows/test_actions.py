"""What our own workflows use of others, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
EVERY = [*WORKFLOWS, *sorted((ROOT / ".github" / "actions").glob("*/action.yml"))]
PINNED = re.compile(r"uses: (?P<action>[\w.-]+/[\w./-]+)@(?P<commit>[0-9a-f]{40}) # v\d+\.\d+\.\d+")


def used(text: str) -> Iterator[str]:
    yield from (line.strip().removeprefix("- ") for line in text.splitlines() if re.match(r"\s*(- )?uses:", line))


def unpinned(text: str) -> list[str]:
    """Return what a workflow uses of others without saying exactly which commit, and of which version that is."""
    return [
        line for line in used(text) if not PINNED.fullmatch(line) and not re.match(r"uses: \./(base/)?\.github/", line)
    ]


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return loaded


def test_there_are_workflows_that_use_actions() -> None:
    assert WORKFLOWS
    assert any(list(used(path.read_text())) for path in WORKFLOWS)


@pytest.mark.parametrize("path", EVERY, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_action_is_pinned_by_its_commit_and_tells_its_version(path: Path) -> None:
    assert unpinned(path.read_text()) == []


def test_an_action_has_the_same_commit_everywhere() -> None:
    seen: dict[str, set[str]] = {}
    for path in EVERY:
        for line in used(path.read_text()):
            if match := PINNED.fullmatch(line):
                seen.setdefault(match["action"], set()).add(match["commit"])
    assert {action: commits for action, commits in seen.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_nothing_that_it_does_not_say(path: Path) -> None:
    """Without `permissions`, the token of a run may do whatever the repository's settings allow."""
    permissions = load(path).get("permissions")
    assert isinstance(permissions, dict)
    assert set(permissions.values()) <= {"read", "none"}, "what needs more says so in its job"


@pytest.mark.parametrize(
    "line",
    [
        "uses: actions/checkout@v7",
        "- uses: actions/checkout@main",
        "- uses: actions/checkout@3d3c42e # v7.0.1",
        f"- uses: actions/checkout@{'a' * 40}",
        f"- uses: actions/checkout@{'a' * 40} # latest",
        "- uses: docker://alpine:3",
    ],
)
def test_what_may_become_something_else_tomorrow_is_found(line: str) -> None:
    assert unpinned(f"steps:\n  {line}\n") != []
