"""What it saves to bring the stages up side by side: the same three, together and one after the other.

Measured is the engine's part, from the first `up` to the last one's end, each time on fresh local clouds. Starting the
clouds and applying migrations is the same for both and left out.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from benchmarks.harness import Benchmark, Ratio, Samples, tell
from benchmarks.standing import STAGES, standing
from bulkhead.machine.lifetime import side_by_side

TOGETHER: Final = "three stages up, together"
ONE_BY_ONE: Final = "three stages up, one after another"


def _up(what: str) -> Samples:
    tell(what)
    with standing(STAGES) as stood:
        stacks = stood.stacks

        def abandon() -> None:
            for stack in stacks.values():
                stack.kill()

        started = time.monotonic()
        if what == TOGETHER:
            side_by_side({name: stack.up for name, stack in stacks.items()}, abandon)
        else:
            for stack in stacks.values():
                stack.up()
        return {what: time.monotonic() - started}


# Both orders need the same work of the processor, and two cores share it; what is saved is what one stage waits for.
RATIO: Final = Ratio("three stages up: together / one after another", [TOGETHER], [ONE_BY_ONE], limit=0.85)
BENCHMARK: Final = Benchmark([partial(_up, TOGETHER), partial(_up, ONE_BY_ONE)], rounds=3, ratio=RATIO)
