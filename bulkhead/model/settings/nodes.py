"""A YAML document as a tree that remembers lines, quotes and tags (pure).

A reader that returns plain values loses what a fault has to say: where a value stood, whether it was quoted
and whether a key was written twice. So the tree is composed here from the parser's events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    plain: bool
    tag: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    tag: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    pairs: tuple[tuple[Node, Node], ...]
    tag: str | None
    line: int


Node = Scalar | Sequence | Mapping


class Unreadable(ValueError):
    """Text that is no YAML document; ``line`` and ``column`` count from 1."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


@lru_cache(maxsize=16)  # one command reads the same few files several times; nothing in a tree can change
def compose(text: str) -> Node | None:
    """Return the one document in ``text``, None when there is none. Raises Unreadable."""
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    try:
        return _Composer(yaml.parse(text)).document()
    except ReaderError as bad:
        before = text[: bad.position]
        column = len(before) - before.rfind("\n")
        raise Unreadable("a control character", before.count("\n") + 1, column) from None
    except MarkedYAMLError as bad:
        mark = bad.problem_mark or bad.context_mark
        problem = "; ".join(str(part) for part in (bad.context, bad.problem) if part)
        if "'\\t'" in problem:
            problem = "a tab, where YAML takes spaces only"
        raise Unreadable(problem, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None
    except AssertionError:  # ruamel.yaml's answer to a version that does not exist
        lines = enumerate(text.splitlines(), 1)
        line = next((number for number, each in lines if each.startswith("%YAML")), 1)
        raise Unreadable("a % directive with a version of YAML that does not exist", line, 1) from None


def only(root: Node | None, key: str) -> Node | None:
    """Return the value of ``key`` if it is the document's only key, None otherwise."""
    pairs = root.pairs if isinstance(root, Mapping) else ()
    if len(pairs) != 1 or not isinstance(pairs[0][0], Scalar) or pairs[0][0].text != key:
        return None
    return pairs[0][1]


class _Composer:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node | None:
        next(self._events)  # the stream's start
        start = next(self._events)
        if isinstance(start, StreamEndEvent):
            return None
        if start.version or start.tags:
            _refuse("a % directive, which changes how the rest is read", start)
        root = self._node(next(self._events), depth=0)
        next(self._events)  # the document's end
        after = next(self._events)
        if isinstance(after, DocumentStartEvent):
            _refuse("a second document; the CLI would read the first only", after)
        return root

    def _node(self, event: Any, depth: int) -> Node:
        if depth > _DEEPEST:
            _refuse(f"more than {_DEEPEST} levels of nesting", event)
        if isinstance(event, AliasEvent):
            known = self._anchors.get(event.anchor)
            return known if known is not None else _refuse(f"*{event.anchor} before or inside its &anchor", event)
        line = event.start_mark.line + 1
        tag = str(event.tag) if event.tag else None
        node: Node
        if isinstance(event, ScalarEvent):
            node = Scalar(event.value, event.style is None, tag, line)
        elif isinstance(event, SequenceStartEvent):
            node = Sequence(tuple(self._node(item, depth + 1) for item in self._until(SequenceEndEvent)), tag, line)
        else:  # a mapping's start is the only other event that starts a node
            node = Mapping(tuple(self._pairs(depth + 1)), tag, line)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _pairs(self, depth: int) -> Iterator[tuple[Node, Node]]:
        for key in self._until(MappingEndEvent):
            yield self._node(key, depth), self._node(next(self._events), depth)

    def _until(self, end: type[Any]) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event


def _refuse(problem: str, event: Any) -> NoReturn:
    raise Unreadable(problem, event.start_mark.line + 1, event.start_mark.column + 1)
