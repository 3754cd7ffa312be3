"""A rehearsal's result as one HTML page that needs nothing else (pure): no script, no request, no server."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bulkhead.localclouds.fidelity import share
from bulkhead.rehearsal.evidence import Outcome, Report, StageReport
from bulkhead.rehearsal.report import bindings

# Terminal colours come with the engine's messages; other control characters and half surrogates have no form in HTML.
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

_CLOUDS: Final = {"cloudflare": "Cloudflare", "aws": "AWS", "github": "GitHub"}
_PROGRAM: Final = "Program"  # components and provider settings: Pulumi's own, in no cloud
_MINUTE: Final = 60


class CloudCounts(NamedTuple):
    """How many resources a stage has: a row per cloud, in it one number for each treatment and their sum."""

    treatments: list[str]
    rows: dict[str, list[int]]
    together: list[int]


def render(report: Report) -> str:
    """Return the report as a whole HTML document."""
    counts = Counter(verdict.outcome for verdict in report.verdicts)
    page = _environment().get_template("page.html").render(
        report=report,
        counts={outcome: counts[outcome] for outcome in Outcome},
        failures_first=(Outcome.FAILED, Outcome.NOT_SHOWN, Outcome.PROVEN),
        environments=[stage.environment for stage in report.stages],
        differences=bindings.differences(report.stages),
        granted=len(bindings.granted(report.stages[0])) if report.stages else 0,
        things=bindings.matrix(report.stages, variables=False),
        variables=bindings.matrix(report.stages, variables=True),
        secret_types=bindings.SECRET_TYPES,
        sourced=share(report.fidelity),
        phases=list(_phases(report)),
    )  # fmt: skip
    return _UNPRINTABLE.sub("\ufffd", _COLOUR.sub("", page))


@cache  # it keeps the compiled page
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"css": _css, "duration": _duration, "by_cloud": _by_cloud}
    return environment


def _css(outcome: Outcome) -> str:
    """Return the class that colours an outcome."""
    return outcome.replace(" ", "-")


def _duration(seconds: float) -> str:
    """Return ``14.2 s``, from a minute on ``2 min 3 s``."""
    tenths = round(seconds, 1)
    if not tenths:
        return "under 0.1 s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{tenths} s" if tenths < _MINUTE else f"{minutes} min {rest} s"


def _by_cloud(stage: StageReport) -> CloudCounts:
    counts = Counter((_CLOUDS.get(line.type.partition(":")[0], _PROGRAM), line.treatment) for line in stage.resources)
    treatments = sorted({treatment for _, treatment in counts})
    clouds = [cloud for cloud in (*_CLOUDS.values(), _PROGRAM) if any(cloud == seen for seen, _ in counts)]

    def row(among: Iterable[str]) -> list[int]:
        numbers = [sum(counts[cloud, treatment] for cloud in among) for treatment in treatments]
        return [*numbers, sum(numbers)]

    return CloudCounts(treatments, {cloud: row([cloud]) for cloud in clouds}, row(clouds))


def _phases(report: Report) -> Iterator[tuple[str, float, str, str]]:
    """Yield each phase and its bar on one time line, which begins where the one before it ended."""
    whole = max(report.seconds, sum(report.phases.values())) or 1.0
    begins = accumulate(report.phases.values(), initial=0.0)
    for begin, (phase, seconds) in zip(begins, report.phases.items(), strict=False):
        yield phase, seconds, f"{begin / whole:.3%}", f"{seconds / whole:.3%}"
