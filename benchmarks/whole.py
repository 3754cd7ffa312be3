"""How long a newcomer's first look takes, once everything is installed: `bulkhead rehearse` as a whole.

The one limit in seconds: it is promised to a person, who has no second machine to compare with. Where the time goes is
what the rehearsal says of itself (`--json`); the rest of the process is Python starting, its imports, and its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks import children
from benchmarks.children import Once
from benchmarks.figures import Figure, Series, measured
from benchmarks.telling import Tell

NAME: Final = "rehearse"
LIMIT: Final = 90.0
_ROUNDS: Final = 3
_PROOF: Final = "proof: "


def measure(tell: Tell) -> list[Figure]:
    """Return the wall time of the process, and of its parts. Raises Failed when a proof fails."""
    runs = []
    for number in range(1, _ROUNDS + 1):
        tell(f"bulkhead rehearse, {number} of {_ROUNDS}")
        runs.append(children.run("bulkhead.cli.main", "rehearse", "--json"))
    return figures(runs)


def figures(runs: Sequence[Once]) -> list[Figure]:
    """Return the figures of whole rehearsals: the process, then its parts in the order in which they happen."""
    split = [parts(run.wall, run.said) for run in runs]
    names = list(dict.fromkeys(name for each in split for name in each))
    return [
        measured(NAME, "bulkhead rehearse, three stages", Series(tuple(run.wall for run in runs)), "s", LIMIT),
        *(
            measured(NAME, f"of it: {name}", Series(tuple(each.get(name, 0.0) for each in split)), "s")
            for name in names
        ),
    ]


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
