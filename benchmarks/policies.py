"""What the policy pack costs: a preview of production with it against one without it.

Both previews are of a stage that stands and is not to change. To each is added what a person waits for before a preview
begins, which the pack does not lengthen: starting Python and importing the program, timed in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from typing import Final

from benchmarks import standing
from benchmarks.figures import Figure, Series, in_turn, measured, ratio
from benchmarks.preview import STAGE, unchanged
from benchmarks.telling import Tell
from bulkhead.engine.analyzer import install_analyzer
from bulkhead.engine.finder import Engine
from bulkhead.localclouds.command import clouds_command
from bulkhead.machine.lifetime import Clock, lived
from bulkhead.model.project import ROOT
from policies.catalogue import FOLDER

NAME: Final = "policies"
LIMIT: Final = 1.25
_ROUNDS: Final = 7


def measure(engine: Engine, tell: Tell) -> list[Figure]:
    """Return the ratio of both, and the seconds of each. Raises Failed when a rule speaks or something would change."""
    with lived(ROOT, keep=False, command=clouds_command((STAGE,)), clock=Clock()) as life:
        tell(f"bringing {STAGE} up on local clouds")
        tools = [install_analyzer(life.run.path / "tools")]
        stack = standing.stages(life, engine, (STAGE,), tools)[STAGE].stack
        stack.up()
        ways = [partial(unchanged, stack, packs) for packs in ([FOLDER], [])]
        for way in ways:
            way()
        tell(f"previewing with and without the pack {_ROUNDS} times in turn")
        judged, plain = ([run.seconds for run in runs] for runs in in_turn(ways, _ROUNDS))
    starts = [_start() for _ in range(_ROUNDS)]
    return figures(starts, judged, plain)


def figures(starts: list[float], judged: list[float], plain: list[float]) -> list[Figure]:
    """Return the figures of previews with the pack (``judged``) and without it, and of the start before each."""
    over, under = (Series(tuple(map(sum, zip(starts, each, strict=True)))) for each in (judged, plain))
    return [
        ratio(NAME, "start and preview: with the pack / without", over, under, LIMIT),
        measured(NAME, "start of Python and the program", Series(tuple(starts)), "s"),
        measured(NAME, "preview of production with the pack", Series(tuple(judged)), "s"),
        measured(NAME, "preview of production without it", Series(tuple(plain)), "s"),
    ]


def _start() -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-W", "ignore", "-c", "import infra.stage"], cwd=ROOT, check=True)
    return time.monotonic() - started
