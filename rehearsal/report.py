"""The rehearsal's result as one HTML page that needs nothing else: no script, no request, no server.

The page may leave the machine it was made on, so values of secret bindings are never written into it.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from string import Template
from typing import Final, TypeVar

from infra.faults import Fault, Refused
from rehearsal.evidence import Outcome, Report, StageReport, Verdict
from rehearsal.markup import Html, join, tag, text

_Item = TypeVar("_Item")

_TEMPLATE: Final = Path(__file__).with_name("report.html")
_CLOUDS: Final = {"cloudflare": "Cloudflare", "aws": "AWS", "github": "GitHub"}
_PROGRAM: Final = "Program"  # components and provider settings: Pulumi's own, in no cloud
_VARIABLES: Final = frozenset({"plain_text", "json"})
_SECRETS: Final = frozenset({"secret_text", "secret_key"})
_MINUTE: Final = 60
_FAILURES_FIRST: Final = (Outcome.FAILED, Outcome.NOT_SHOWN, Outcome.PROVEN)


def check_writable(path: Path) -> None:
    """Make sure that ``write`` can put a report at ``path``; to be called before a rehearsal. Raises Refused."""
    target = path.resolve()
    if not target.parent.is_dir():
        raise _refused(
            path, f"there is no directory {str(target.parent)!r}", f"mkdir -p {shlex.quote(str(target.parent))}"
        )
    if target.exists() and not target.is_file():
        raise _refused(path, "is not an ordinary file, so it cannot be replaced by a page", "name a file: report.html")
    draft = _draft(target)
    try:
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise _refused(path, f"cannot be written: {error.strerror}", "name a file in a directory of yours") from error


def write(report: Report, path: Path) -> None:
    """Put the page at ``path``: whoever looks there sees the page before or the new one, never half of one."""
    target = path.resolve()
    draft = _draft(target)
    try:
        draft.write_text(render(report), encoding="utf-8")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def render(report: Report) -> str:
    """Return the report as a whole HTML document."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=text(f"{_summary(report)} - rehearsal of {report.product}"),
        verdict=_verdict(report),
        proofs=_proofs(report.verdicts),
        stages=_stages(report.stages),
        bindings=_bindings(report.stages),
        phases=_phases(report),
        footer=_footer(report),
    )


def _verdict(report: Report) -> Html:
    counts = _counts(report.verdicts)
    parts = [
        tag("span", f"{counts[outcome]} {outcome}", class_=_css(outcome) if counts[outcome] else "none")
        for outcome in Outcome
    ]
    facts = {
        "Product": report.product,
        "Took": _duration(report.seconds),
        "Engine": report.engine,
        "Started": report.started.replace("T", " "),  # so that a narrow screen breaks it between date and time
    }
    return join(
        [
            tag("p", f"Rehearsal of {report.product}: {_ruling(report)}", class_="about"),
            tag("h1", *(join([part, " "]) for part in parts)),
            tag("div", *(tag("i", class_=_css(v.outcome)) for v in report.verdicts), class_="hull", aria_hidden="true"),
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
    choices += [_choice(f"show-{_css(o)}", f"{o.capitalize()} {counts[o]}") for o in _FAILURES_FIRST if counts[o]]
    ordered = sorted(verdicts, key=lambda verdict: _FAILURES_FIRST.index(verdict.outcome))
    return _section(
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
        "" if verdict.outcome is Outcome.NOT_SHOWN else tag("span", _duration(verdict.seconds), class_="number"),
        tag("p", verdict.evidence, class_="evidence") if verdict.evidence else "",
        comparison if verdict.outcome is Outcome.FAILED else "",
        tag("a", tag("code", verdict.key), class_="key", href=f"#{anchor}"),
        class_=f"proof {_css(verdict.outcome)}",
        id=anchor,
    )


def _stages(stages: tuple[StageReport, ...]) -> Html:
    return _section(
        "stages",
        "Stages",
        "Emulated means that it had its real effect on a local cloud; recorded that its request was checked and kept.",
        tag("div", *map(_stage, stages), class_="stages"),
    )


def _stage(stage: StageReport) -> Html:
    name = stage.environment if stage.environment == stage.stage else f"{stage.environment} ({stage.stage})"
    lines = [
        tag(
            "tr",
            tag("td", line.name, tag("code", line.type, class_="type")),
            tag("td", line.treatment),
        )
        for line in stage.resources
    ]
    resources = tag("table", _head("Resource", "Treatment"), tag("tbody", *lines))
    took = ", ".join(f"{phase} {_duration(seconds)}" for phase, seconds in stage.seconds.items())
    return tag(
        "article",
        tag("h3", name),
        tag("p", _link(stage.url)),
        tag("p", took, class_="quiet") if took else "",
        _counts_by_cloud(stage),
        tag("details", tag("summary", f"All {len(lines)} resources"), resources) if lines else "",
        class_="stage sheet",
    )


def _counts_by_cloud(stage: StageReport) -> Html:
    counts = Counter((_cloud(line.type), line.treatment) for line in stage.resources)
    treatments = sorted({treatment for _, treatment in counts})
    clouds = [cloud for cloud in (*_CLOUDS.values(), _PROGRAM) if any(cloud == seen for seen, _ in counts)]

    def row(label: str, among: Iterable[str]) -> Html:
        numbers = [sum(counts[cloud, treatment] for cloud in among) for treatment in treatments]
        cells = (tag("td", str(number), class_="number") for number in [*numbers, sum(numbers)])
        return tag("tr", tag("th", label, scope="row"), *cells)

    return tag(
        "table",
        tag("caption", f"Resources of {stage.environment}", class_="aside"),
        _head("Cloud", *treatments, "all", numbers=True),
        tag("tbody", *(row(cloud, [cloud]) for cloud in clouds)),
        tag("tfoot", row("Together", clouds)),
    )


def _bindings(stages: tuple[StageReport, ...]) -> Html:
    differences = _differences(stages)
    granted = len(_grants(stages[0])) if stages else 0
    if differences:
        lines = tag("ul", *(tag("li", difference) for difference in differences))
        note = tag("div", "The Workers may not touch the same things in every stage.", lines, class_="note failed")
    else:
        same = f"All {len(stages)} stages grant their Workers the same {granted} bindings."
        note = tag("p", same, class_="note proven") if granted else Html("")
    variables = _matrix(stages, lambda type_: type_ in _VARIABLES)
    return _section(
        "bindings",
        "What each Worker may touch",
        "A Worker can reach nothing that is not bound to it. Below each stage: what the binding points at there.",
        note,
        _matrix(stages, lambda type_: type_ not in _VARIABLES),
        tag("details", tag("summary", "Variables (settings in plain text)"), variables, class_="variables")
        if variables
        else "",
    )


def _matrix(stages: tuple[StageReport, ...], wanted: Callable[[str], bool]) -> Html:
    """Return the table of the bindings whose type is wanted: one body per Worker, one column per stage."""
    bodies = []
    for worker in _in_order(name for stage in stages for name in stage.bindings):
        per_stage = [{(name, type_): target for name, type_, target in s.bindings.get(worker, ())} for s in stages]
        keys = _in_order(key for bindings in per_stage for key in bindings if wanted(key[1]))
        title = tag("tr", tag("th", worker, colspan=str(len(stages) + 1), scope="rowgroup"), class_="worker")
        rows = [
            tag(
                "tr",
                tag("th", tag("code", name), tag("span", type_, class_="type"), scope="row"),
                *(_target(stage, type_, per.get((name, type_))) for stage, per in zip(stages, per_stage, strict=True)),
            )
            for name, type_ in keys
        ]
        bodies += [tag("tbody", title, *rows)] if rows else []
    if not bodies:
        return Html("")
    table = tag("table", _head("Binding", *(stage.environment for stage in stages)), *bodies, class_="matrix")
    return tag("div", table, class_="sheet scroll", tabindex="0", role="region", aria_label="Bindings per stage")


def _target(stage: StageReport, type_: str, target: str | None) -> Html:
    if target is None:
        return tag("td", tag("span", "not bound", class_="absent"), data_stage=stage.environment)
    shown = "the stage's own secret" if type_ in _SECRETS else target or "bound"
    return tag("td", tag("code" if shown == target else "span", shown), data_stage=stage.environment)


def _grants(stage: StageReport) -> set[tuple[str, str, str]]:
    return {(worker, name, type_) for worker, bound in stage.bindings.items() for name, type_, _ in bound}


def _differences(stages: tuple[StageReport, ...]) -> list[str]:
    granted = {stage.environment: _grants(stage) for stage in stages}
    everywhere = set[tuple[str, str, str]]().union(*granted.values())
    return [
        f"{worker}: {name} ({type_}) is not bound in {environment}"
        for environment, grants in granted.items()
        for worker, name, type_ in sorted(everywhere - grants)
    ]


def _phases(report: Report) -> Html:
    """Return the phases as bars on one time line: each begins where the one before it ended."""
    whole = max(report.seconds, sum(report.phases.values())) or 1.0
    begins = accumulate(report.phases.values(), initial=0.0)
    bars = [
        tag(
            "li",
            tag("span", phase),
            tag("div", _bar(begin / whole, seconds / whole), class_="track", aria_hidden="true"),
            tag("span", _duration(seconds), class_="number"),
        )
        for begin, (phase, seconds) in zip(begins, report.phases.items(), strict=False)
    ]
    lead = f"From the first process to the last one gone: {_duration(report.seconds)}."
    return _section("time", "Time", lead, tag("ol", *bars, class_="phases sheet"))


def _bar(begin: float, share: float) -> Html:
    return tag("span", class_="bar", style=f"--from:{begin:.3%};--share:{share:.3%}")


def _footer(report: Report) -> Html:
    if not report.logs:
        return tag("p", "No logs were set aside: that happens when a proof fails.")
    return tag("p", "Logs of this rehearsal: ", tag("code", report.logs))


def _section(id_: str, title: str, lead: str, *content: str) -> Html:
    heading = tag("h2", title, id=f"{id_}-title")
    return tag("section", heading, tag("p", lead, class_="lead"), *content, id=id_, aria_labelledby=f"{id_}-title")


def _head(*columns: str, numbers: bool = False) -> Html:
    first, *others = columns
    cells = (tag("th", column, scope="col", class_="number" if numbers else "text") for column in others)
    return tag("thead", tag("tr", tag("th", first, scope="col"), *cells))


def _link(url: str) -> Html:
    is_web = url.startswith(("http://", "https://"))  # anything else might be code that a click would run
    return tag("a", url, href=url) if is_web else tag("code", url)


def _counts(verdicts: Iterable[Verdict]) -> Mapping[Outcome, int]:
    return Counter(verdict.outcome for verdict in verdicts)


def _summary(report: Report) -> str:
    counts = _counts(report.verdicts)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)


def _css(outcome: Outcome) -> str:
    return outcome.replace(" ", "-")


def _cloud(type_: str) -> str:
    return _CLOUDS.get(type_.partition(":")[0], _PROGRAM)


def _in_order(items: Iterable[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))


def _duration(seconds: float) -> str:
    tenths = round(seconds, 1)
    if not tenths:
        return "under 0.1 s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{tenths} s" if tenths < _MINUTE else f"{minutes} min {rest} s"


def _draft(target: Path) -> Path:
    """Return where the page is written before it takes its place; same directory, so that the move is one step."""
    return target.with_name(f".{target.name}.{os.getpid()}")


def _refused(path: Path, message: str, fix: str) -> Refused:
    return Refused("The report cannot be written, so nothing was started.", [Fault(str(path), message, fix)])
