"""What the program's start takes of the processor: importing as `__main__.py` does it, with the collector at rest,
against importing plainly. Every preview and every `up` starts the program anew."""

from __future__ import annotations

import ast
from typing import Final

from benchmarks.children import timed
from benchmarks.harness import Benchmark, Ratio, Way
from bulkhead.model.project import ROOT

AS_IT_STARTS: Final = "processor time of the program's start"
PLAIN: Final = "processor time of the same imports, plainly"


def imports_of_the_program() -> str:
    """Return `__main__.py` up to its call: what it imports, and how."""
    program = ast.parse((ROOT / "__main__.py").read_text(encoding="utf-8"))
    program.body = [statement for statement in program.body if not isinstance(statement, ast.Expr)]
    return ast.unparse(program)


# The whole process counts, because the collector works at its end as well.
WAYS: Final[list[Way]] = [
    lambda: {AS_IT_STARTS: timed(imports_of_the_program()).processor},
    lambda: {PLAIN: timed("from infra.program import main").processor},
]

RATIO: Final = Ratio("program start: as it is / imported plainly", [AS_IT_STARTS], [PLAIN], limit=0.7)
BENCHMARK: Final = Benchmark(WAYS, rounds=7, ratio=RATIO)
