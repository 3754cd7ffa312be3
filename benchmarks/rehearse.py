"""How long a newcomer's first look takes, once everything is installed: `bulkhead rehearse` as a whole.

The limit is in seconds, because it is promised to a person, who has no second machine to compare with. Where the time
goes is what the rehearsal says of itself (`--json`); the rest of the process is Python starting, imports, and its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from benchmarks.children import run
from benchmarks.harness import Benchmark, Samples

WHOLE: Final = "bulkhead rehearse, three stages"
PROCESSOR: Final = "processor time of all its processes"
_PROOF: Final = "proof: "


def parts(wall: float, report: Mapping[str, Any]) -> dict[str, float]:
    """Return where the ``wall`` seconds of a process went, by the report it printed; the parts come to ``wall``."""
    phases: Mapping[str, float] = report["phases"]
    proofs = sum(seconds for name, seconds in phases.items() if name.startswith(_PROOF))
    told = {name: seconds for name, seconds in phases.items() if not name.startswith(_PROOF)}
    removal = {name: told.pop(name) for name in ("removal",) if name in told}
    between = report["seconds"] - sum(phases.values())
    return {
        "Python, imports, exit": wall - report["seconds"],
        **told,
        "proofs": proofs,
        **removal,
        "ending the clouds, and the rest": between,
    }


def _rehearsal() -> Samples:
    once = run("-m", "bulkhead.cli.main", "rehearse", "--json")
    return {
        WHOLE: once.wall,
        PROCESSOR: once.processor,
        **{f"of it: {name}": seconds for name, seconds in parts(once.wall, once.said).items()},
    }


BENCHMARK: Final = Benchmark([_rehearsal], rounds=3, limits={WHOLE: 120.0, "of it: local clouds": 3.0})
