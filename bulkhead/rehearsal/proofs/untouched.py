"""What a rehearsal must leave as it was: stages that are up already, the checkout, everything beyond this machine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from bulkhead.engine.inline_stack import InlineStack
from bulkhead.engine.results import Result
from bulkhead.localclouds.api.journal import Journal
from bulkhead.machine import egress
from bulkhead.machine.git import git
from bulkhead.rehearsal.evidence import NotShown, Unproven
from bulkhead.rehearsal.proofs.proof import managed, require
from bulkhead.rehearsal.scene import Scene, StandingStage

_LOOKS: Final = ("same", "read")  # a stage that rolls out reads what its own stack exported


def unchanged(scene: Scene) -> str:
    """A second `up` and a `refresh` of each stage find nothing to do."""

    def again(stage: StandingStage) -> str:
        looks = [(verb, stack) for verb in ("up", "refresh") for stack in stage.stacks]
        seen: Counter[str] = Counter()
        for verb, stack in looks:
            result = stack.up() if verb == "up" else stack.refresh()
            seen[verb] += changed_nothing(f"{verb} of {stage.environment}", result, stack)
        return ", ".join(f"{verb} {same} same" for verb, same in seen.items())

    seen = scene.in_each_stage(again)
    return "; ".join(f"{environment}: {summary}" for environment, summary in seen.items())


def changed_nothing(what: str, result: Result, stack: InlineStack) -> int:
    """Require that an operation found nothing to do, and that it looked at all of ``stack``; return at how much."""
    changes = {kind: count for kind, count in result.changes.items() if kind not in _LOOKS and count}
    require(not changes, f"{what} to change nothing", changes)
    same, kept = result.changes.get("same", 0), len(managed(stack))
    require(kept, f"{what} to find resources in the state", "none")
    require(same >= kept, f"{what} to look at all {kept} resources", f"it saw {same}")
    return same


def local_only(scene: Scene) -> str:
    """No process of the rehearsal tried to reach another machine."""
    tried = [f"{a['who']} -> {a['target']} ({a['net']})" for a in egress.attempts(scene.run.logs)]
    for stage in scene.stages.values():
        tried += [f"a Worker of {stage.environment} -> {target}" for target in stage.cloud.egress()]
    require(not tried, "no connection off 127.0.0.1", "; ".join(tried[:5]))
    torn = egress.torn(scene.run.logs)
    require(not torn, "every net to have caught its own trial", f"nothing of {', '.join(torn)}")
    looks = scene.looks()
    require(looks, "the look-out to have looked at open connections", "it never did")
    return f"0 attempts seen by Python's audit events, the engine's proxy, {looks} looks at open connections, Workers"


def nothing_unknown(scene: Scene) -> str:
    """Nobody asked the local clouds for a route that they do not have."""
    with Journal(scene.run.calls) as journal:
        unknown, calls = journal.unknown(), len(tuple(journal))
    require(calls, "calls of the local clouds' APIs", "none")
    asked = "; ".join(f"{call.cloud}: {call.method} {call.path}" for call in unknown[:5])
    require(not unknown, "no call for what the local clouds lack", asked)
    return f"{calls} calls over HTTP, each of a route that they answer"


def checkout_state(root: Path) -> str | None:
    """Return what git says of the checkout, or None when it is no git checkout."""
    return git(root, "status", "--porcelain=v1", "--untracked-files=all")


def checkout_clean(scene: Scene) -> str:
    """The rehearsal wrote nothing into the checkout: git sees what it saw before."""
    if scene.checkout is None:
        raise NotShown("this is no git checkout, so there is nothing to compare with")
    now = checkout_state(scene.root)
    if now is None:
        raise Unproven("git status as before the rehearsal", "this is no git checkout any more")
    was, is_ = scene.checkout.splitlines(), now.splitlines()
    difference = [f"+ {line}" for line in is_ if line not in was] + [f"- {line}" for line in was if line not in is_]
    require(not difference, "git status as before the rehearsal", "; ".join(difference[:5]))
    return f"git status as before ({len(was)} lines of your own changes)"
