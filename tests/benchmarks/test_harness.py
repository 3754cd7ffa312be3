"""What a series of samples comes to, and when a limit is broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import psutil
import pytest

import benchmarks.__main__ as program
from benchmarks.__main__ import BENCHMARKS, main, report
from benchmarks.harness import COLUMNS, Benchmark, Figure, Ratio, Samples, broken, figures, measure
from bulkhead.cli.console import Console
from bulkhead.model.failures import Failed


def kept(value: float, limit: float | None) -> Figure:
    return Figure("some", "thing", value, 0.5, 2.0, 3, limit=limit)


def test_ways_are_run_in_turn_within_what_they_need_around_them() -> None:
    order: list[str] = []

    def way(name: str) -> Samples:
        order.append(name)
        return {name: float(len(order))}

    @contextmanager
    def ways() -> Iterator[list[Callable[[], Samples]]]:
        order.append("begin")
        yield [lambda: way("a"), lambda: way("b")]
        order.append("end")

    a, b = measure("some", Benchmark(ways, rounds=2))
    assert order == ["begin", "a", "b", "a", "b", "end"]
    assert (a.what, a.least, a.greatest, b.what, b.least, b.greatest) == ("a", 2.0, 4.0, "b", 3.0, 5.0)


def test_a_figure_is_the_median_with_its_extremes() -> None:
    [figure] = figures("some", Benchmark([], 3, limits={"thing": 5.0}), [{"thing": taken} for taken in (9.0, 1.0, 2.0)])
    assert (figure.value, figure.least, figure.greatest, figure.runs) == (2.0, 1.0, 9.0, 3)
    assert (figure.unit, figure.limit, figure.kept) == ("s", 5.0, True)


def test_a_ratio_is_that_of_the_medians_and_its_extremes_are_those_of_neighbours() -> None:
    rounds = [{"a": a, "b": b} for a, b in ((2.0, 1.0), (30.0, 10.0), (6.0, 6.0))]
    ratio, *_ = figures("some", Benchmark([], 3, Ratio("a / b", ["a"], ["b"], limit=1.0)), rounds)
    assert (ratio.value, ratio.least, ratio.greatest, ratio.unit) == (1.0, 1.0, 3.0, "")


@pytest.mark.parametrize(
    "benchmark", [Benchmark([], 2, limits={"b": 1.0}), Benchmark([], 2, Ratio("a / b", ["a"], ["b"], limit=1.0))]
)
def test_a_promise_of_something_that_was_not_always_measured_is_none(benchmark: Benchmark) -> None:
    with pytest.raises(ValueError, match="some promises what it does not measure: b"):
        figures("some", benchmark, [{"a": 1.0, "b": 1.0}, {"a": 1.0}])


def test_a_person_reads_small_times_in_milliseconds() -> None:
    row = dict(zip(COLUMNS, Figure("some", "thing", 0.0057, 0.0, 0.2, 7, "s", 0.001).row(), strict=True))
    assert (row["value"], row["min"], row["max"], row["limit"]) == ("5.70 ms", "0.00 ms", "0.20 s", "<= 1.00 ms")


@pytest.mark.parametrize(
    ("value", "limit", "verdict"), [(1.15, 1.15, True), (1.151, 1.15, False), (0.1, 1.15, True), (9.0, None, None)]
)
def test_a_limit_is_kept_up_to_itself(value: float, limit: float | None, verdict: bool | None) -> None:
    assert kept(value, limit).kept is verdict


def test_a_broken_limit_is_said_with_both_numbers() -> None:
    figures = [kept(1.0, 1.15), kept(1.3, 1.15), kept(9.0, None)]
    assert broken(figures) == ["some: thing is 1.30, its limit is 1.15"]


def test_a_row_has_a_cell_for_every_column() -> None:
    row = dict(zip(COLUMNS, Figure("some", "thing", 4.0, 3.0, 5.0, 7, "s", 3.5).row(), strict=True))
    assert row["value"] == "4.00 s"
    assert (row["limit"], row["kept"], row["runs"]) == ("<= 3.50 s", "NO", "7")
    assert dict(zip(COLUMNS, kept(1.0, None).row(), strict=True))["kept"] == ""


@pytest.mark.parametrize(("value", "code"), [(1.0, 0), (2.0, 1)])
def test_the_exit_code_says_whether_every_limit_is_kept(value: float, code: int) -> None:
    out, err = StringIO(), StringIO()
    assert report([kept(value, 1.15)], Console(json=True, stdout=out, stderr=err)) == code
    told = json.loads(out.getvalue())
    assert told["ok"] is (code == 0)
    assert told["figures"][0]["value"] == value
    assert ("its limit is 1.15" in err.getvalue()) is (code == 1)


def test_a_person_is_shown_a_table() -> None:
    out = StringIO()
    report([kept(1.0, 1.15)], Console(stdout=out, stderr=StringIO()))
    header, row, verdict = out.getvalue().splitlines()
    assert header.split() == list(COLUMNS)
    assert row.split()[:3] == ["some", "thing", "1.00"]
    assert verdict == "Every limit is kept."


@pytest.mark.parametrize(("busy", "said"), [(5.0, False), (60.0, True)])
def test_a_machine_that_does_something_else_is_told_apart(
    busy: float, said: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "BENCHMARKS", {"some": "what it is"})
    monkeypatch.setattr(
        program, "load", lambda name, _gigabytes: Benchmark([lambda: {name: 1.0}], rounds=1, limits={name: 1.15})
    )
    monkeypatch.setattr(program, "shed_owner", lambda: ())
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: busy)
    assert main(["--only", "some"]) == 0
    told = capsys.readouterr()
    assert "some: what it is" in told.err
    assert ("60 % busy" in told.err) is said
    assert "Every limit is kept." in told.out


def test_what_cannot_be_measured_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> Samples:
        raise Failed("There is nothing to compare.")

    monkeypatch.setattr(program, "BENCHMARKS", {"some": "what it is"})
    monkeypatch.setattr(program, "load", lambda name, _gigabytes: Benchmark([fail], rounds=1))
    monkeypatch.setattr(program, "shed_owner", lambda: ())
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 0.0)
    assert main([]) == 1
    assert "There is nothing to compare." in capsys.readouterr().err


def test_help_lists_every_benchmark_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "Example: python -m benchmarks --only" in said
    assert [name for name in BENCHMARKS if f"\n  {name} " in said] == list(BENCHMARKS)


def test_an_unknown_benchmark_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--only", "speed"])
    assert end.value.code == 2
    assert "invalid choice: 'speed'" in capsys.readouterr().err


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_promises_something(name: str) -> None:
    benchmark = program.load(name)
    assert benchmark.ratio or benchmark.limits
