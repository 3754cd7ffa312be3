"""Measure, compare with the limits, and say so: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Final

import psutil

from benchmarks.figures import COLUMNS, Figure, broken
from benchmarks.telling import Tell
from bulkhead.cli.console import BAD, GOOD, Console
from bulkhead.machine.environment import shed_owner
from bulkhead.machine.lifetime import ended_by_signals
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused

BUSY: Final = 15.0  # per cent of all cores; from there on waiting for others is a part of what is measured
INTERRUPTED: Final = 130  # 128 + SIGINT, as for the command


def _growth(tell: Tell) -> list[Figure]:
    from benchmarks import growth  # noqa: PLC0415 (what each benchmark imports takes seconds)

    return growth.measure(tell)


def _preview(tell: Tell) -> list[Figure]:
    from benchmarks import preview  # noqa: PLC0415
    from bulkhead.engine.finder import find_engine  # noqa: PLC0415

    return preview.measure(find_engine(tell), tell)


def _policies(tell: Tell) -> list[Figure]:
    from benchmarks import policies  # noqa: PLC0415
    from bulkhead.engine.finder import find_engine  # noqa: PLC0415

    return policies.measure(find_engine(tell), tell)


def _offline(tell: Tell) -> list[Figure]:
    from benchmarks import offline  # noqa: PLC0415

    return offline.measure(tell)


def _parallel(tell: Tell) -> list[Figure]:
    from benchmarks import parallel  # noqa: PLC0415
    from bulkhead.engine.finder import find_engine  # noqa: PLC0415

    return parallel.measure(find_engine(tell), tell)


def _rehearse(tell: Tell) -> list[Figure]:
    from benchmarks import whole  # noqa: PLC0415

    return whole.measure(tell)


BENCHMARKS: Final[dict[str, tuple[str, Callable[[Tell], list[Figure]]]]] = {
    "growth": ("a further resource costs as much in a large product as in a small one (seconds)", _growth),
    "preview": ("components, settings and checks against a flat program (two minutes)", _preview),
    "policies": ("a preview with the policy pack against one without (two minutes)", _policies),
    "offline": ("the checks that need no cloud, and the rules by themselves (one minute)", _offline),
    "parallel": ("three stages together against one after another (four minutes)", _parallel),
    "rehearse": ("the whole of `bulkhead rehearse` in seconds (five minutes)", _rehearse),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every limit is kept, 1 when one is broken or something could not be measured."""
    wanted = _parser().parse_args(arguments)
    console = Console(json=wanted.json)
    shed_owner()
    figures: list[Figure] = []
    try:
        with ended_by_signals():
            for name in wanted.only or BENCHMARKS:
                _tell(f"{name}: {BENCHMARKS[name][0]}")
                if (busy := psutil.cpu_percent(interval=1.0)) > BUSY:
                    _tell(
                        f"something else keeps this machine {busy:.0f} % busy; measure a broken limit again without it"
                    )
                figures += BENCHMARKS[name][1](_tell)
    except Refused as refused:
        console.faults(refused)
        return 1
    except Failed as failed:
        console.failure(failed)
        return 1
    except KeyboardInterrupt:
        console.interrupted()
        return INTERRUPTED
    return report(figures, console)


def report(figures: Sequence[Figure], console: Console) -> int:
    """Show every figure and whether the limits are kept; return the exit code."""
    faults = broken(figures)
    console.result({"ok": not faults, "figures": [figure.as_json() for figure in figures]})
    if not console.json:
        console.table(COLUMNS, [figure.row() for figure in figures])
    for fault in faults:
        console.say(fault, BAD)
    if not faults:
        console.say("Every limit is kept.", GOOD)
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:<10}{about}" for name, (about, _) in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure on this machine what Bulkhead promises about time.\n\n{lines}",
        epilog="Example: python -m benchmarks --only growth --only preview\n\n"
        "Exit code 0: every limit is kept; 1: one is broken, or something could not be measured.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON; progress goes to stderr")
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME", help="measure only this; may be repeated"
    )
    return parser


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
