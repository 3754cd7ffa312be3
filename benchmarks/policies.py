"""What the policy pack costs: a preview of production with it against one without it.

Both previews are of a stage that stands and is not to change. To each is added what a person waits for before a preview
begins, which the pack does not lengthen: starting Python and importing the program as it does itself, timed in a
process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from benchmarks.children import timed
from benchmarks.harness import Benchmark, Ratio, Way
from benchmarks.preview import unchanged
from benchmarks.standing import production
from benchmarks.start import imports_of_the_program
from policies.catalogue import FOLDER

START: Final = "start of Python and the program"
JUDGED: Final = "preview of production with the pack"
PLAIN: Final = "preview of production without it"


@contextmanager
def ways() -> Iterator[Sequence[Way]]:
    """Raises Failed when a rule speaks or something would change."""
    with production() as (_, stack):
        previews: list[Way] = [lambda: {JUDGED: unchanged(stack, [FOLDER])}, lambda: {PLAIN: unchanged(stack)}]
        for preview in previews:
            preview()
        yield [lambda: {START: timed(imports_of_the_program()).wall}, *previews]


RATIO: Final = Ratio("start and preview: with the pack / without", [START, JUDGED], [START, PLAIN], limit=1.4)
BENCHMARK: Final = Benchmark(ways, rounds=7, ratio=RATIO)
