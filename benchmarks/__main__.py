"""Measure, compare with the limits, and say so: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import argparse
import importlib
import math
import sys
from collections.abc import Sequence
from typing import Final

import psutil

from benchmarks.harness import COLUMNS, Benchmark, Figure, broken, measure, tell
from bulkhead.cli.console import BAD, GOOD, Console
from bulkhead.machine.environment import shed_owner
from bulkhead.machine.lifetime import ended_by_signals
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused

BUSY: Final = 15.0  # per cent of all cores; from there on waiting for others is a part of what is measured
INTERRUPTED: Final = 130  # 128 + SIGINT, as for the command


# Each is a module here that says what is run and what is promised of it.
BENCHMARKS: Final = {
    "growth": "a further resource costs as much in a large product as in a small one (seconds)",
    "start": "importing the program as it does itself against importing it plainly (one minute)",
    "preview": "components, settings and checks against a flat program (two minutes)",
    "policies": "a preview with the policy pack against one without (two minutes)",
    "offline": "the checks that need no cloud, and the rules by themselves (one minute)",
    "migrations": "what migrations do, seen by running them on an empty copy (seconds)",
    "rollback": "from the command to the last request of the bad version (one minute)",
    "deploy": "what a deployment of an unchanged stage takes beside the engine (one minute)",
    "rollouts": "what bad versions the rule of a rollout lets through, and what good ones it sends back (two minutes)",
    "api": "a call of the local Cloudflare over HTTP (seconds)",
    "backup": "a backup against reading its pages and sending its bytes, each bare (two minutes)",
    "restore": "a backup read back and compared against one loaded alone (one minute)",
    "mirror": "a bucket of 100,000 unchanged objects mirrored against it listed (two minutes)",
    "parallel": "three stages together against one after another (four minutes)",
    "rehearse": "the whole of `bulkhead rehearse` in seconds (five minutes)",
}


OF_A_DATABASE: Final = ("backup", "restore")


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every limit is kept, 1 when one is broken or something could not be measured."""
    wanted = _parser().parse_args(arguments)
    console = Console(json=wanted.json)
    shed_owner()
    figures: list[Figure] = []
    try:
        with ended_by_signals():
            for name in wanted.only or BENCHMARKS:
                tell(f"{name}: {BENCHMARKS[name]}")
                if (busy := psutil.cpu_percent(interval=1.0)) > BUSY:
                    tell(
                        f"something else keeps this machine {busy:.0f} % busy; measure a broken limit again without it"
                    )
                figures += measure(name, load(name, wanted.gigabytes))
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


def load(name: str, gigabytes: float | None = None) -> Benchmark:
    """Return one benchmark, of a database that large where it is about one; what it imports takes seconds, which the
    others need not wait for."""
    module = importlib.import_module(f"benchmarks.{name}")
    benchmark: Benchmark = module.sized(gigabytes) if gigabytes and name in OF_A_DATABASE else module.BENCHMARK
    return benchmark


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
    width = max(map(len, BENCHMARKS))
    lines = "\n".join(f"  {name:<{width}} {about}" for name, about in BENCHMARKS.items())
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
    parser.add_argument(
        "--gigabytes", type=_positive, metavar="N", help=f"how large a database is for {' and '.join(OF_A_DATABASE)}"
    )
    return parser


def _positive(text: str) -> float:
    found = float(text)
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no size of a database")
    return found


if __name__ == "__main__":
    sys.exit(main())
