"""The section that tells what each Worker may touch, in every stage side by side (pure).

The page may leave the machine it was made on, so values of secret bindings are never written into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from bulkhead.rehearsal.evidence import StageReport
from bulkhead.rehearsal.report.markup import Html, tag
from bulkhead.rehearsal.report.parts import head, section

_Item = TypeVar("_Item")

_VARIABLES: Final = frozenset({"plain_text", "json"})
_SECRETS: Final = frozenset({"secret_text", "secret_key"})


def bindings_section(stages: tuple[StageReport, ...]) -> Html:
    """Return the section: one table of what may be touched, one of plain settings, and what differs."""
    differences = _differences(stages)
    granted = len(_grants(stages[0])) if stages else 0
    if differences:
        lines = tag("ul", *(tag("li", difference) for difference in differences))
        note = tag("div", "The Workers may not touch the same things in every stage.", lines, class_="note failed")
    else:
        same = f"All {len(stages)} stages grant their Workers the same {granted} bindings."
        note = tag("p", same, class_="note proven") if granted else Html("")
    variables = _matrix(stages, lambda type_: type_ in _VARIABLES)
    return section(
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
    table = tag("table", head("Binding", *(stage.environment for stage in stages)), *bodies, class_="matrix")
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


def _in_order(items: Iterable[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))
