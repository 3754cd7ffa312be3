"""The section that tells who may change each stage besides its own Workers, as its clouds have it (pure)."""

from __future__ import annotations

from bulkhead.analysis.access.matrix import Cell, Table
from bulkhead.rehearsal.evidence import StageReport
from bulkhead.rehearsal.report.markup import Html, join, tag
from bulkhead.rehearsal.report.parts import head, section


def access_section(stages: tuple[StageReport, ...]) -> Html:
    """Return the section: the roles, tokens and environments of each stage, each table folded; nothing where there are
    none."""
    sheets = [_stage(stage) for stage in stages if any(table.rows for table in stage.access)]
    if not sheets:
        return Html("")
    lead = "Read from the clouds of each stage, so it is what was deployed and not what somebody meant."
    return section("access", "Who may change a stage", lead, *sheets)


def _stage(stage: StageReport) -> Html:
    tables = (_table(table) for table in stage.access if table.rows)
    return tag("article", tag("h3", stage.environment), *tables, class_="access sheet")


def _table(table: Table) -> Html:
    rows = (tag("tr", *(tag("td", _cell(cell)) for cell in row)) for row in table.rows)
    content = tag("table", head(*table.columns), tag("tbody", *rows))
    return tag(
        "details",
        tag("summary", f"{table.title} ({len(table.rows)})"),
        tag("div", content, class_="scroll", tabindex="0", role="region", aria_label=table.title),
        tag("p", table.note, class_="quiet") if table.note else "",
    )


def _cell(cell: Cell) -> Html:
    """Return words as they are, and things by name as code, each on a line of its own."""
    if isinstance(cell, str):
        return join([cell])
    return join(tag("code", each, class_="thing") for each in cell)
