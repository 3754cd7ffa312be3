"""What every section of the page is made of (pure): headings, table heads, durations."""

from __future__ import annotations

from typing import Final

from bulkhead.rehearsal.evidence import Outcome
from bulkhead.rehearsal.report.markup import Html, tag

_MINUTE: Final = 60


def section(id_: str, title: str, lead: str, *content: str) -> Html:
    """Return a section with its heading and what it is about."""
    heading = tag("h2", title, id=f"{id_}-title")
    return tag("section", heading, tag("p", lead, class_="lead"), *content, id=id_, aria_labelledby=f"{id_}-title")


def head(*columns: str, numbers: bool = False) -> Html:
    """Return the head of a table; with ``numbers``, all columns but the first are set as numbers."""
    first, *others = columns
    cells = (tag("th", column, scope="col", class_="number" if numbers else "text") for column in others)
    return tag("thead", tag("tr", tag("th", first, scope="col"), *cells))


def css(outcome: Outcome) -> str:
    """Return the class that colours an outcome."""
    return outcome.replace(" ", "-")


def duration(seconds: float) -> str:
    """Return ``14.2 s``, from a minute on ``2 min 3 s``."""
    tenths = round(seconds, 1)
    if not tenths:
        return "under 0.1 s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{tenths} s" if tenths < _MINUTE else f"{minutes} min {rest} s"
