"""Reads the YAML files in docs/ops (pure): one list each, whose entries become dataclasses. Every fault has its
line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from bulkhead.model.faults import Fault
from bulkhead.model.settings import nodes, scalars

Entry = TypeVar("Entry")
CONFIG: Final = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)
"""Each entry class sets this as ``__pydantic_config__``, and has a field ``line``: the line where the entry begins."""

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LINE: Final = "line"
_ABOUT: Final = "the comment at its top says what an entry holds"
_NO_TEXT: Final = {"string_type", "string_too_short", "value_error"}


def _day(text: object) -> date:
    if not isinstance(text, str) or not _DAY.fullmatch(text):  # Python takes 2026-W05-6, too
        raise ValueError(text)
    return date.fromisoformat(text)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Day = Annotated[date, BeforeValidator(_day)]


class Malformed(ValueError):
    """The text is not a list of entries."""

    def __init__(self, place: str, problem: str, fix: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.fault = Fault(place, problem, fix)


def read(text: str, key: str, entry: type[Entry]) -> tuple[list[Entry], list[Fault]]:
    """Return the valid entries of the list ``key``, and all faults of the others. Raises Malformed if there is no such
    list."""
    empty = f"an empty one is `{key}: []`"
    try:
        root = nodes.compose(text)
    except nodes.Unreadable as bad:
        raise Malformed(f"line {bad.line}, column {bad.column}", f"is no YAML: {bad.problem}", _ABOUT) from None
    listed = nodes.only(root, key)
    if listed is None:
        raise Malformed("", f"it does not consist of one list called `{key}:`", empty)
    if not isinstance(listed, nodes.Sequence):
        raise Malformed(f"line {listed.line}", f"`{key}:` is no list; {empty}", empty)
    adapter = TypeAdapter(entry)
    names = [to_camel(field.name) for field in fields(entry) if field.name != _LINE]  # type: ignore[arg-type]
    entries: list[Entry] = []
    faults: list[Fault] = []
    for node in listed.items:
        reading = _Reading(node.line, names)
        values = reading.values(node)
        if values is not None:
            try:
                valid = adapter.validate_python({**values, _LINE: node.line})
                entries += [] if reading.faults else [valid]
            except ValidationError as bad:
                reading.invalid(bad.errors())
        faults += reading.faults
    return entries, faults


class _Reading:
    """Reads one entry: collects its values and its faults."""

    def __init__(self, line: int, names: Sequence[str]) -> None:
        self.faults: list[Fault] = []
        self._line, self._names = line, names
        self._ambiguous: set[str] = set()

    def values(self, node: nodes.Node) -> dict[str, Any] | None:
        """Return the entry as plain values, None when the node is no entry."""
        if not isinstance(node, nodes.Mapping):
            self._add_fault("is no entry of `field: value` lines")
            return None
        if node.tag is not None:
            self._add_fault("carries a !tag, which other YAML readers ignore")
        return {name: self._plain(value, name) for name, value in self._pairs(node, "") if name in self._names}

    def _pairs(self, node: nodes.Mapping, within: str) -> Iterator[tuple[str, nodes.Node]]:
        seen = set()
        for key, value in node.pairs:
            name = key.text if isinstance(key, nodes.Scalar) else "a list or a section"
            if not within and name not in self._names:
                near = difflib.get_close_matches(name, self._names, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self._add_fault(f"has a field {name!r}, which there is not{hint}")
            elif name in seen:
                self._add_fault(f"says {within}{name} twice")
            else:
                seen.add(name)
                yield name, value

    def _plain(self, node: nodes.Node, path: str) -> Any:
        """Return a value as plain data. A value that YAML readers understand differently is a fault."""
        if node.tag is not None:
            return self._add_ambiguity(path, f"has a {path} with a !tag, which other YAML readers ignore")
        if isinstance(node, nodes.Sequence):
            return [self._plain(item, path) for item in node.items]
        if isinstance(node, nodes.Mapping):
            return {name: self._plain(value, f"{path}.{name}") for name, value in self._pairs(node, f"{path}.")}
        try:
            return scalars.resolve(node.text) if node.plain else node.text
        except scalars.Ambiguous as bad:
            return self._add_ambiguity(path, f"has a {path} that may be read as {bad.meaning}: quote it")

    def _add_ambiguity(self, path: str, message: str) -> None:
        self._ambiguous.add(path.partition(".")[0])
        self._add_fault(message)

    def _add_fault(self, message: str) -> None:
        self.faults.append(Fault(f"line {self._line}", message, f"an entry has: {', '.join(self._names)}"))

    def invalid(self, errors: Sequence[ErrorDetails]) -> None:
        """Add a fault for each validation error, except for fields that were reported as ambiguous before."""
        missing = [str(error["loc"][0]) for error in errors if error["type"] == "missing"]
        for error in errors:
            name, value = str(error["loc"][0]), error["input"]
            if name in self._ambiguous or name in missing:
                continue
            if error["type"] == "value_error" and isinstance(value, str):
                self._add_fault(f"has {value!r} as {name}, which is no date such as '2026-01-31'")
            elif error["type"] in _NO_TEXT:
                quoting = ": quote it" if isinstance(value, bool | int | float) else ""
                self._add_fault(f"has no text as {name}{quoting}")
            else:
                place = ".".join(map(str, error["loc"]))
                self.faults.append(Fault(f"line {self._line}: {place}", error["msg"], _ABOUT))
        if missing:
            self._add_fault(f"does not say {', '.join(missing)}")
