"""The checks that rule tables consist of: which values are allowed, which properties exclude or need each other.

A check takes a resource's inputs and yields ``path: what is wrong``. Paths are Pulumi's, with ``[*]`` for every item
of a list and ``.*`` for every member of a map: ``rules[*].condition.type``. Unknown values are not checked. No message
contains a value, because it may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec

from bulkhead.localclouds.providers.handler import Properties
from bulkhead.localclouds.providers.wire import UNKNOWN, Steps, contains_unknown

Check = Callable[[Properties], Iterator[str]]
P = ParamSpec("P")

_STEP = re.compile(r"([^.\[\]]+)|\[(\*)\]")


def walk(inputs: Any, path: str) -> Iterator[tuple[Steps, Any]]:
    """Yield the steps and the value for every known value at ``path``; ``""`` means all inputs."""
    found: list[tuple[Steps, Any]] = [((), inputs)]
    for name, items in _STEP.findall(path):
        found = [child for steps, value in found for child in _members(steps, value, name, bool(items))]
    yield from ((steps, value) for steps, value in found if value is not UNKNOWN)


def at(inputs: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield ``(path, value)`` for every known value at ``path``; ``""`` means all inputs."""
    yield from ((written(steps), value) for steps, value in walk(inputs, path))


def written(steps: Steps) -> str:
    """Return the steps as Pulumi writes a path: ``rules[0].condition``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def _members(steps: Steps, value: Any, name: str, items: bool) -> Iterator[tuple[Steps, Any]]:
    if items and isinstance(value, list):
        yield from (((*steps, index), item) for index, item in enumerate(value))
    elif not items and isinstance(value, Mapping):
        for key in value if name == "*" else [name] if name in value else []:
            yield (*steps, key), value[key]


def named(make: Callable[P, Check]) -> Callable[P, Check]:
    """Let the checks that a function makes be called after it and after their path, or else after their inputs."""

    @wraps(make)
    def making(*args: P.args, **kwargs: P.kwargs) -> Check:
        check = make(*args, **kwargs)
        about = str(args[0]) or ", ".join(str(each) for each in args[1:] if isinstance(each, str))
        check.__name__ = f"{make.__name__.replace('_', ' ')}: {about}"
        return check

    return making


@named
def one_of(path: str, *values: str) -> Check:
    """The value is one of ``values``."""

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            if value not in values:
                yield f"{place}: must be one of {', '.join(values)}"

    return check


@named
def shaped(path: str, pattern: str, meaning: str) -> Check:
    """The whole value matches ``pattern``; ``meaning`` says so to people."""
    compiled = re.compile(pattern)

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            if isinstance(value, str) and not compiled.fullmatch(value):
                yield f"{place}: must be {meaning}"

    return check


@named
def between(path: str, low: float, high: float) -> Check:
    """The number is at least ``low`` and at most ``high``."""

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            if isinstance(value, int | float) and not low <= value <= high:
                yield f"{place}: must be from {low:g} to {high:g}"

    return check


@named
def sized(path: str, low: int, high: int) -> Check:
    """The list has at least ``low`` and at most ``high`` items."""

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            if isinstance(value, list) and not low <= len(value) <= high:
                yield f"{place}: must have from {low} to {high} items"

    return check


@named
def limited(path: str, most: int) -> Check:
    """The text has at most ``most`` bytes, the list at most ``most`` items."""

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            if isinstance(value, str) and len(value.encode()) > most:
                yield f"{place}: has {len(value.encode())} bytes, and at most {most} are taken"
            elif isinstance(value, list) and len(value) > most:
                yield f"{place}: has {len(value)} items, and at most {most} are taken"

    return check


@named
def needs(path: str, *names: str) -> Check:
    """The object at ``path`` has all of ``names``, though the SDK's types call them optional."""

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            for name in names:
                if isinstance(value, Mapping) and name not in value:
                    yield f"{_below(place, name)}: required property is missing"

    return check


@named
def exactly_one(path: str, *names: str) -> Check:
    """The object at ``path`` has one of ``names`` and no other of them."""
    return _count(path, names, lambda given: len(given) == 1, "exactly one of")


@named
def at_most_one(path: str, *names: str) -> Check:
    """The object at ``path`` has none or one of ``names``."""
    return _count(path, names, lambda given: len(given) < 2, "at most one of")  # noqa: PLR2004 - two exclude each other


def _count(path: str, names: tuple[str, ...], allowed: Callable[[list[str]], bool], phrase: str) -> Check:
    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            given = [name for name in names if name in value]
            if not allowed(given):
                got = f"there are {' and '.join(given)}" if given else "there is none"
                yield f"{_below(place, '')}{phrase} {', '.join(names)} must be given, and {got}"

    return check


@named
def by_kind(path: str, discriminator: str, shapes: Mapping[str, tuple[str, str]]) -> Check:
    """Objects of several kinds: ``shapes`` maps a kind to the names it needs and those it may also have, each a string
    of words. ``discriminator`` and ``name`` are always allowed."""

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            kind = value.get(discriminator, UNKNOWN)
            if kind is UNKNOWN:
                continue
            if kind not in shapes:
                yield f"{_below(place, discriminator)}: must be one of {', '.join(sorted(shapes))}"
                continue
            needed, optional = (set(words.split()) for words in shapes[kind])
            for name in sorted(needed - value.keys()):
                yield f"{_below(place, name)}: required by {discriminator} {kind}, and is missing"
            for name in sorted(value.keys() - needed - optional - {discriminator, "name"}):
                yield f"{_below(place, name)}: does not belong to {discriminator} {kind}"

    return check


@named
def distinct(path: str) -> Check:
    """No two values are the same."""

    def check(inputs: Properties) -> Iterator[str]:
        seen: dict[Any, str] = {}
        for place, value in at(inputs, path):
            if value in seen:
                yield f"{place}: is the same as {seen[value]}, and both would be one thing"
            seen[value] = place

    return check


@named
def json_text(path: str) -> Check:
    """The string is valid JSON."""

    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            try:
                json.loads(value)
            except (TypeError, ValueError):
                yield f"{place}: is not valid JSON"

    return check


def known(inputs: Properties, *names: str) -> bool:
    """Whether all of ``names`` are there and known to the last part."""
    return all(name in inputs and not contains_unknown(inputs[name]) for name in names)


def _below(place: str, name: str) -> str:
    if not name:
        return f"{place}: " if place else ""
    return f"{place}.{name}" if place else name
