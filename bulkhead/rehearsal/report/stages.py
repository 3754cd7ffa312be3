"""The section that tells what stood in each stage, and how much of it was real (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from bulkhead.rehearsal.evidence import StageReport
from bulkhead.rehearsal.report.markup import Html, tag
from bulkhead.rehearsal.report.parts import duration, head, section

_CLOUDS: Final = {"cloudflare": "Cloudflare", "aws": "AWS", "github": "GitHub"}
_PROGRAM: Final = "Program"  # components and provider settings: Pulumi's own, in no cloud


def stages_section(stages: tuple[StageReport, ...]) -> Html:
    """Return the section: each stage with its address, its times and its resources."""
    return section(
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
    resources = tag("table", head("Resource", "Treatment"), tag("tbody", *lines))
    took = ", ".join(f"{phase} {duration(seconds)}" for phase, seconds in stage.seconds.items())
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
        head("Cloud", *treatments, "all", numbers=True),
        tag("tbody", *(row(cloud, [cloud]) for cloud in clouds)),
        tag("tfoot", row("Together", clouds)),
    )


def _link(url: str) -> Html:
    is_web = url.startswith(("http://", "https://"))  # anything else might be code that a click would run
    return tag("a", url, href=url) if is_web else tag("code", url)


def _cloud(type_: str) -> str:
    return _CLOUDS.get(type_.partition(":")[0], _PROGRAM)
