"""A rehearsal's result as one HTML page that needs nothing else (pure): no script, no request, no server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from string import Template
from typing import Final

from bulkhead.rehearsal.evidence import Outcome, Report, Verdict
from bulkhead.rehearsal.report.access import access_section
from bulkhead.rehearsal.report.bindings import bindings_section
from bulkhead.rehearsal.report.markup import Html, join, tag, text
from bulkhead.rehearsal.report.parts import css, duration, section
from bulkhead.rehearsal.report.stages import stages_section

_TEMPLATE: Final = Path(__file__).with_name("page.html")
_FAILURES_FIRST: Final = (Outcome.FAILED, Outcome.NOT_SHOWN, Outcome.PROVEN)


def render(report: Report) -> str:
    """Return the report as a whole HTML document."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=text(f"{_summary(report)} - rehearsal of {report.product}"),
        verdict=_verdict(report),
        proofs=_proofs(report.verdicts),
        stages=stages_section(report.stages),
        bindings=bindings_section(report.stages),
        access=access_section(report.stages),
        phases=_phases(report),
        footer=_footer(report),
    )


def _verdict(report: Report) -> Html:
    counts = _counts(report.verdicts)
    parts = [
        tag("span", f"{counts[outcome]} {outcome}", class_=css(outcome) if counts[outcome] else "none")
        for outcome in Outcome
    ]
    facts = {
        "Product": report.product,
        "Took": duration(report.seconds),
        "Engine": report.engine,
        "Started": report.started.replace("T", " "),  # so that a narrow screen breaks it between date and time
    }
    return join(
        [
            tag("p", f"Rehearsal of {report.product}: {_ruling(report)}", class_="about"),
            tag("h1", *(join([part, " "]) for part in parts)),
            tag("div", *(tag("i", class_=css(v.outcome)) for v in report.verdicts), class_="hull", aria_hidden="true"),
            tag(
                "dl",
                *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items()),
                tag("div", tag("dt", "What became of the stages"), tag("dd", report.ending), class_="wide"),
                class_="facts",
            ),
        ]
    )


def _ruling(report: Report) -> str:
    if report.failed:
        return "failed"
    return "passed" if report.ok else "nothing was proven"


def _proofs(verdicts: tuple[Verdict, ...]) -> Html:
    counts = _counts(verdicts)
    choices = [_choice("show-all", f"All {len(verdicts)}", chosen=True)]
    choices += [_choice(f"show-{css(o)}", f"{o.capitalize()} {counts[o]}") for o in _FAILURES_FIRST if counts[o]]
    ordered = sorted(verdicts, key=lambda verdict: _FAILURES_FIRST.index(verdict.outcome))
    return section(
        "proofs",
        "Proofs",
        "What was claimed and what was seen. What failed comes first; what could not be tried says why.",
        tag("fieldset", tag("legend", "Show", class_="aside"), *choices, class_="filter"),
        tag("ol", *map(_proof, ordered), class_="sheet"),
    )


def _choice(id_: str, label: str, *, chosen: bool = False) -> Html:
    checked = " checked" if chosen else ""
    return tag("label", Html(f'<input type="radio" name="show" id="{text(id_)}"{checked}>'), label)


def _proof(verdict: Verdict) -> Html:
    comparison = tag(
        "dl", tag("dt", "Expected"), tag("dd", verdict.expected), tag("dt", "Seen"), tag("dd", verdict.seen)
    )
    anchor = f"proof-{verdict.key}"
    return tag(
        "li",
        tag("span", verdict.outcome, class_="badge"),
        tag("h3", verdict.claim),
        "" if verdict.outcome is Outcome.NOT_SHOWN else tag("span", duration(verdict.seconds), class_="number"),
        tag("p", verdict.evidence, class_="evidence") if verdict.evidence else "",
        comparison if verdict.outcome is Outcome.FAILED else "",
        tag("a", tag("code", verdict.key), class_="key", href=f"#{anchor}"),
        class_=f"proof {css(verdict.outcome)}",
        id=anchor,
    )


def _phases(report: Report) -> Html:
    """Return the phases as bars on one time line: each begins where the one before it ended."""
    whole = max(report.seconds, sum(report.phases.values())) or 1.0
    begins = accumulate(report.phases.values(), initial=0.0)
    bars = [
        tag(
            "li",
            tag("span", phase),
            tag("div", _bar(begin / whole, seconds / whole), class_="track", aria_hidden="true"),
            tag("span", duration(seconds), class_="number"),
        )
        for begin, (phase, seconds) in zip(begins, report.phases.items(), strict=False)
    ]
    lead = f"From the first process to the last one gone: {duration(report.seconds)}."
    return section("time", "Time", lead, tag("ol", *bars, class_="phases sheet"))


def _bar(begin: float, share: float) -> Html:
    return tag("span", class_="bar", style=f"--from:{begin:.3%};--share:{share:.3%}")


def _footer(report: Report) -> Html:
    if not report.logs:
        return tag("p", "No logs were set aside: that happens when a proof fails.")
    return tag("p", "Logs of this rehearsal: ", tag("code", report.logs))


def _counts(verdicts: Iterable[Verdict]) -> Mapping[Outcome, int]:
    return Counter(verdict.outcome for verdict in verdicts)


def _summary(report: Report) -> str:
    counts = _counts(report.verdicts)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
