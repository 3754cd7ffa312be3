from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import backup, bare_s3, mirror, restore
from benchmarks.__main__ import load, main
from benchmarks.backup import done
from benchmarks.harness import Benchmark, Figure, measure
from benchmarks.stored import VAULT
from bulkhead.model.failures import Failed
from jobs.r2.index import index_key

SMALL = 0.001  # gigabytes


def figures(benchmark: Benchmark) -> dict[str, Figure]:
    return {each.what: each for each in measure("one", replace(benchmark, rounds=1))}


@pytest.mark.slow
def test_a_backup_is_made_for_real_and_held_against_the_slower_of_its_halves() -> None:
    found = figures(backup.sized(SMALL))
    assert found[backup.SLOWER].value == max(found[backup.READ].value, found[backup.SENT].value) > 0
    assert found[backup.MEMORY].value > 0
    assert found[backup.MEMORY].limit == 128


@pytest.mark.slow
def test_a_backup_is_read_back_for_real_and_may_take_five_minutes_for_a_gigabyte() -> None:
    found = figures(restore.sized(SMALL))
    assert found[restore.VERIFIED].limit == pytest.approx(300 * SMALL)
    assert found[restore.LOADED].value > 0


@pytest.mark.slow
def test_an_unchanged_bucket_costs_a_list_call_for_a_thousand_objects() -> None:
    found = figures(mirror.sized(2000))
    assert (found[mirror.CALLS].value, found[mirror.CALLS].limit) == (1.0, 1.0)


@pytest.mark.slow
def test_a_bucket_that_changed_is_not_measured_as_one_that_did_not(tmp_path: Path) -> None:
    with bare_s3.served(tmp_path, 20) as s3:
        mirror.index(s3.file(f"/{VAULT}/{index_key('files')}"), 19)
        with pytest.raises(Failed, match="could not be measured"):
            done("mirrored", {"s3": s3.url, "objects": 20})


@pytest.mark.parametrize("sized", [backup.sized, restore.sized])
def test_a_database_is_as_large_as_it_is_asked_for(sized: Callable[[float], Benchmark], tmp_path: Path) -> None:
    file = tmp_path / "main.sqlite"
    backup.fill(file, 0.002)
    assert file.stat().st_size == pytest.approx(2_000_000, rel=0.1)
    assert sized(4).rounds == 3


def test_other_benchmarks_are_of_no_size() -> None:
    assert load("mirror", 4) is mirror.BENCHMARK
    assert load("restore", 4).limits[restore.VERIFIED] == 1200


@pytest.mark.parametrize("size", ["0", "-1", "nan", "inf", "large"])
def test_what_is_no_size_is_refused(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "backup", "--gigabytes", size])
    assert "--gigabytes" in capsys.readouterr().err
