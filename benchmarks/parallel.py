"""What it saves to bring the stages up side by side: the same three, together and one after the other.

Measured is the engine's part, from the first `up` to the last one's end, each time on fresh local clouds. Starting the
clouds and applying migrations is the same for both and left out.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from benchmarks import standing
from benchmarks.figures import Figure, Series, in_turn, measured, ratio
from benchmarks.telling import Tell
from bulkhead.engine.finder import Engine
from bulkhead.localclouds.command import clouds_command
from bulkhead.machine.lifetime import Clock, lived, side_by_side
from bulkhead.model.naming import Stage
from bulkhead.model.project import ROOT

NAME: Final = "parallel"
# Both orders need the same work of the processor, and two cores share it; what is saved is what one stage waits for.
LIMIT: Final = 0.85
STAGES: Final = tuple(stage.value for stage in Stage)
_ROUNDS: Final = 3


def measure(engine: Engine, tell: Tell) -> list[Figure]:
    """Return the ratio of both ways, and the seconds of each."""
    ways = [partial(_seconds, engine, tell, together=together) for together in (True, False)]
    together, one_by_one = (Series(tuple(samples)) for samples in in_turn(ways, _ROUNDS))
    return [
        ratio(NAME, "three stages up: together / one after another", together, one_by_one, LIMIT),
        measured(NAME, "three stages up, together", together, "s"),
        measured(NAME, "three stages up, one after another", one_by_one, "s"),
    ]


def _seconds(engine: Engine, tell: Tell, *, together: bool) -> float:
    tell(f"three stages up, {'together' if together else 'one after another'}")
    with lived(ROOT, keep=False, command=clouds_command(STAGES), clock=Clock()) as life:
        stacks = {name: stage.stack for name, stage in standing.stages(life, engine, STAGES).items()}

        def abandon() -> None:
            for stack in stacks.values():
                stack.kill()

        started = time.monotonic()
        if together:
            side_by_side({name: stack.up for name, stack in stacks.items()}, abandon)
        else:
            for stack in stacks.values():
                stack.up()
        return time.monotonic() - started
