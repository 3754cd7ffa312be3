"""What it costs to mirror a bucket of 100,000 objects of which none changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import bare_s3
from benchmarks.backup import done
from benchmarks.harness import Benchmark, Ratio, Samples, Way
from benchmarks.stored import AT, VAULT
from jobs.r2.index import Entry, Writing, index_key, place_of

MIRRORED: Final = "mirrored, s"
LISTED: Final = "listed alone, s"
CALLS: Final = "list calls for 1,000 objects"
READS: Final = "other reads for all of them"
MEMORY: Final = "memory at its most, MB"
_OBJECTS: Final = 100_000
_BEFORE: Final = {"bucket": "files", "source": "files", "taken": AT.isoformat()}


def index(file: Path, objects: int) -> None:
    """Write what a mirror knows of a bucket that it has seen before."""
    with file.open("wb") as out:
        writing = Writing(out, _BEFORE)
        for number in range(objects):
            key = bare_s3.key_of(number)
            uploaded = bare_s3.UPLOADED
            writing.add(Entry(key, f"{number:x}", number, uploaded, place_of("files", key), "v", "0" * 64, {}, {}))
        writing.close()


def sized(objects: int) -> Benchmark:
    @contextmanager
    def ways() -> Iterator[Sequence[Way]]:
        with tempfile.TemporaryDirectory() as folder, bare_s3.served(Path(folder), objects) as s3:
            told = {"s3": s3.url, "objects": objects}

            def mirrored() -> Samples:
                index(s3.file(f"/{VAULT}/{index_key('files')}"), objects)
                s3.calls.clear()
                took = done("mirrored", told)
                calls = {CALLS: s3.calls["list"] / objects * 1000, READS: float(s3.calls["get"])}
                return {MIRRORED: took["seconds"], MEMORY: took["megabytes"], **calls}

            yield [mirrored, lambda: {LISTED: done("listed", told)["seconds"]}]

    ratio = Ratio("an unchanged bucket: mirrored / listed alone", [MIRRORED], [LISTED], 2.0)
    return Benchmark(ways, rounds=3, ratio=ratio, limits={CALLS: 1.0, MEMORY: 128}, unit="")


BENCHMARK: Final = sized(_OBJECTS)
