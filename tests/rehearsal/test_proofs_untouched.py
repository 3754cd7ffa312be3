"""The proofs that nothing was touched: a second up, other machines, the checkout."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bulkhead.localclouds.api.journal import Entry, Journal
from bulkhead.localclouds.cloudflare.client import Egress
from bulkhead.machine import egress
from bulkhead.rehearsal.evidence import Outcome
from bulkhead.rehearsal.proofs.untouched import checkout_state
from tests.support.scene import Break, World

EGRESS_LOG = f"logs/{egress.LOG_NAME}"


def plans(operation: str, **changes: int) -> Break:
    """An operation of staging finds something to do."""

    def do(world: World) -> None:
        world["staging"].stack.changes[operation] = changes

    return Break("unchanged", f"{operation} {changes}", do, f"{operation} of staging to change nothing", str(changes))


def sees_only(operation: str, same: int) -> Break:
    def do(world: World) -> None:
        world["staging"].stack.changes[operation] = {"same": same}

    return Break(
        "unchanged", f"{operation} sees {same}", do, f"{operation} of staging to look at all", f"it saw {same}"
    )


def caught(net: str, target: str) -> Break:
    line = json.dumps({"net": net, "who": "pulumi", "target": target}) + "\n"

    def do(world: World) -> None:
        world.write(EGRESS_LOG, line)

    return Break("local-only", f"{net}: {target}", do, "no connection off 127.0.0.1", f"pulumi -> {target} ({net})")


def torn(net: str, who: str) -> Break:
    """A net did not even catch its own trial."""

    def do(world: World) -> None:
        log = world.run.path / EGRESS_LOG
        log.write_text("".join(line for line in log.read_text().splitlines(True) if f'"{who}"' not in line))

    return Break(
        "local-only", f"{net} of {who} is torn", do, "every net to have caught its own trial", f"{net} of {who}"
    )


def worker_tried(world: World) -> None:
    world["staging"].cloud.tried.append(Egress("web", "GET", "https://tracker.example/x", "12:00"))


def asked_for_nothing_known(world: World) -> None:
    journal = Journal(world.run.calls)
    journal.add(Entry("cloudflare", "GET", "", "/client/v4/none/of/these", 404))
    journal.close()


def never_looked(world: World) -> None:
    world.looks = 0


def appeared(world: World) -> None:
    (world.root / "left-behind.txt").write_text("by the rehearsal")


BREAKS = (
    plans("up", update=1),
    plans("up", create=2),
    plans("up", replace=1),
    plans("refresh", update=1),
    plans("refresh", delete=1),
    sees_only("up", 0),
    sees_only("up", 5),
    sees_only("refresh", 0),
    Break(
        "unchanged",
        "nothing in the state",
        lambda w: w.forget("staging"),
        "up of staging to find resources in the state",
        "none",
    ),
    caught("python", "api.cloudflare.com"),
    caught("proxy", "https://api.pulumi.com/"),
    caught("connections", "203.0.113.7"),
    Break(
        "local-only",
        "a Worker fetches",
        worker_tried,
        "no connection off 127.0.0.1",
        "a Worker of staging -> GET https://tracker.example/x (Worker web)",
    ),
    torn("python", egress.COMMAND),
    torn("python", egress.CLOUDS),
    torn("proxy", "engine"),
    Break(
        "local-only", "no log", lambda w: w.discard(EGRESS_LOG), "its own trial", "python of command, python of clouds"
    ),
    Break(
        "answered",
        "an unknown route",
        asked_for_nothing_known,
        "no call for what the local clouds lack",
        "cloudflare: GET /client/v4/none/of/these",
    ),
    Break("answered", "no journal", lambda w: w.discard("calls.sqlite*"), "calls of the local clouds' APIs", "none"),
    Break("local-only", "no look-out", never_looked, "looked at open connections", "it never did"),
    Break("checkout", "a new file", appeared, "git status as before", "+ ?? left-behind.txt"),
    Break(
        "checkout",
        "a person's own change is gone",
        lambda w: (w.root / "mine.txt").unlink(),
        "git status as before",
        "- ?? mine.txt",
    ),
    Break(
        "checkout",
        "no git any more",
        lambda w: (w.root / ".git").rename(w.root.parent / "git"),
        "git status as before",
        "this is no git checkout any more",
    ),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_operations_that_only_looked_are_no_change(tmp_path: Path) -> None:
    world = World(tmp_path)
    world["staging"].stack.changes["up"] = {"update": 0, "read": 1}
    assert world.verdict("unchanged").outcome is Outcome.PROVEN


def test_the_trials_of_the_nets_are_no_attempts(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert egress.attempts(world.run.logs) == []
    assert "40 looks" in world.verdict("local-only").evidence


def test_without_git_there_is_nothing_to_compare(tmp_path: Path) -> None:
    verdict = World(tmp_path).verdict("checkout")
    assert verdict.outcome is Outcome.NOT_SHOWN
    assert "no git checkout" in verdict.evidence


def test_a_change_that_was_there_before_is_nobodys_fault(tmp_path: Path) -> None:
    world = World(tmp_path, git=True)
    assert checkout_state(world.root) == "?? mine.txt\n"
    assert "1 lines of your own changes" in world.verdict("checkout").evidence
    world.scene = replace(world.scene, checkout="")
    assert world.verdict("checkout").seen == "+ ?? mine.txt"
