"""A backup read back and compared, value by value, against the same dump loaded with no look at it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.backup import USUAL, done, stage
from benchmarks.harness import Benchmark, Ratio, Samples, Way

VERIFIED: Final = "read back and compared, s"
LOADED: Final = "loaded alone, s"
MEMORY: Final = "memory of reading back at its most, MB"
_LONGEST: Final = 300.0  # seconds, for a gigabyte


def _ways(gigabytes: float) -> Callable[[], AbstractContextManager[Sequence[Way]]]:
    @contextmanager
    def ways() -> Iterator[Sequence[Way]]:
        with tempfile.TemporaryDirectory() as folder, stage(Path(folder), gigabytes) as told:
            done("backup", told)

            def verified() -> Samples:
                took = done("restore", told)
                return {VERIFIED: took["seconds"], MEMORY: took["megabytes"]}

            yield [verified, lambda: {LOADED: done("load", told)["seconds"]}]

    return ways


def sized(gigabytes: float) -> Benchmark:
    ratio = Ratio("a verified restore / a bare import", [VERIFIED], [LOADED], 2.75)
    return Benchmark(_ways(gigabytes), rounds=3, ratio=ratio, limits={VERIFIED: _LONGEST * gigabytes}, unit="")


BENCHMARK: Final = sized(USUAL)
