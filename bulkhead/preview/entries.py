"""Reads a list of entries from YAML (pure): what waivers and known noise are written in, each with its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bulkhead.model.faults import Fault
from bulkhead.model.settings import nodes, scalars


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: all its fields as text, and the line on which it begins."""

    line: int
    fields: Mapping[str, str]

    def __getitem__(self, field: str) -> str:
        return self.fields[field]


class Malformed(ValueError):
    """Text that is no list of entries at all."""


def read(text: str, key: str, fields: Sequence[str]) -> tuple[list[Entry], list[Fault]]:
    """Return the entries below ``key`` that have all of ``fields`` and no others, and the faults of the rest, their
    keys being lines. Raises Malformed."""
    try:
        root = nodes.compose(text)
    except nodes.Unreadable as bad:
        raise Malformed(f"line {bad.line}, column {bad.column}: {bad.problem}") from None
    listed = nodes.only(root, key)
    if listed is None:
        raise Malformed(f"it does not consist of one list called `{key}:`")
    if not isinstance(listed, nodes.Sequence):
        raise Malformed(f"line {listed.line}: `{key}:` is no list; an empty one is `{key}: []`")
    entries, faults = [], []
    for node in listed.items:
        values: dict[str, str] = {}
        found = list(_faults(node, fields, values))
        faults += [Fault(f"line {node.line}", fault, f"an entry has: {', '.join(fields)}") for fault in found]
        if not found:
            entries.append(Entry(node.line, values))
    return entries, faults


def _faults(node: nodes.Node, fields: Sequence[str], values: dict[str, str]) -> Iterator[str]:
    """Fill ``values``, and yield what is wrong with an entry."""
    if not isinstance(node, nodes.Mapping):
        yield "is no entry of `field: value` lines"
        return
    for key, value in node.pairs:
        name = key.text if isinstance(key, nodes.Scalar) else "a list or a section"
        if name not in fields:
            near = difflib.get_close_matches(name, fields, 1)
            yield f"has a field {name!r}, which there is not" + (f"; did you mean {near[0]}?" if near else "")
        elif name in values:
            yield f"says {name} twice"
        else:
            values[name] = ""
            yield from _fault(name, value, values)
    missing = [field for field in fields if field not in values]
    if missing:
        yield f"does not say {', '.join(missing)}"


def _fault(name: str, value: nodes.Node, values: dict[str, str]) -> Iterator[str]:
    if not isinstance(value, nodes.Scalar) or value.tag is not None:
        yield f"has no text as {name}"
        return
    try:
        plain = value.plain and not isinstance(scalars.resolve(value.text), str)
    except scalars.Ambiguous as bad:
        yield f"has a {name} that may be read as {bad.meaning}: quote it"
        return
    if plain or not value.text.strip():
        yield f"has no text as {name}" + (": quote it" if value.text.strip() else "")
        return
    values[name] = value.text.strip()


def day(text: str) -> date | None:
    """Return the date that a field says, None when it says none."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-01-31") else None
    except ValueError:
        return None
