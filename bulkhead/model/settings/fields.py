"""What is known about the field at a path (pure): neighbours, rule, example. Faults are explained with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from bulkhead.model.naming import Stage
from bulkhead.model.settings.defaults import DEFAULTS
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, Path
from bulkhead.model.settings.shapes import Rule

_READABLE: Final = 10  # the most choices that a message lists


def settings_keys() -> tuple[str, ...]:
    """Return the names that may follow ``bulkhead:`` in a stage file."""
    return tuple(name for name in aliases(StageSettings) if name != "environment")


def is_section(name: str) -> bool:
    """Whether ``bulkhead:<name>`` holds more than one line of text."""
    return any(_is_model(part) or _is_mapping(part) for part in _parts(aliases(StageSettings)[name]))


def aliases(model: type[BaseModel]) -> dict[str, Any]:
    """Return the field types of a model by their names in YAML."""
    return {
        field.alias or name: Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        for name, field in model.model_fields.items()
    }


def type_at(path: Path) -> Any:
    """Return the type of the field at ``path`` (below ``bulkhead:``), or None when there is no such field."""
    found: Any = StageSettings
    for step in (str(path[0]).removeprefix(f"{SETTINGS}:"), *path[1:]):
        found = _below(found, step)
    return found


def example_at(path: Path, stage: Stage | None) -> Any:
    """Return a value that would be right at ``path``: the stage's default, else the example of the field's rule, or
    where its owner finds his own."""
    value: Any = DEFAULTS[stage or Stage.DEVELOPMENT]
    for step in (str(path[0]).removeprefix(f"{SETTINGS}:"), *path[1:]):
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is not None and value not in ([], {}):
        return value
    if path == (f"{SETTINGS}:stage",) and stage:
        return stage.value
    return _example(type_at(path))


def choices_at(path: Path) -> tuple[str, ...]:
    """Return the words a field accepts, where it accepts certain words only."""
    for part in _parts(type_at(path)):
        if isinstance(part, Rule) and part.choices:
            return tuple(sorted(part.choices()))
        if get_origin(part) is Literal:
            return tuple(map(str, get_args(part)))
        if part is Stage:
            return tuple(Stage)
    return ()


def neighbours(path: Path) -> tuple[str, ...]:
    """Return the names of the fields that may stand where ``path`` stands."""
    if len(path) == 1:
        return settings_keys()
    model = _model(type_at(path[:-1]))
    return tuple(aliases(model)) if model else ()


def intended(path: Path) -> Path | None:
    """Return the field that an unknown ``path`` most likely means: another spelling here, or its right place."""
    written = str(path[-1]).removeprefix(f"{SETTINGS}:")
    known = neighbours(path)
    here = (to_camel(written.replace("-", "_")), closest(written, known))
    for name in here:
        if name in known:
            return (*path[:-1], name) if len(path) > 1 else (f"{SETTINGS}:{name}",)
    elsewhere = [place for place in _leaves() if place[-1] == to_camel(written)]
    return elsewhere[0] if len(elsewhere) == 1 else None


def closest(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that looks most like ``word``, if any does; case does not count."""
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.7)
    return folded[near[0]] if near else None


def spelt_choices(path: Path) -> str:
    """Return ``a, b or c`` for a field that accepts certain words; empty when there are too many to read."""
    words = choices_at(path)
    return f"{', '.join(words[:-1])} or {words[-1]}" if 1 < len(words) <= _READABLE else ""


def _leaves() -> Iterator[Path]:
    for name, kind in aliases(StageSettings).items():
        model = _model(kind)
        if model:
            yield from _leaves_below((f"{SETTINGS}:{name}",), model)


def _leaves_below(path: Path, model: type[BaseModel]) -> Iterator[Path]:
    for name, kind in aliases(model).items():
        below = _model(kind)
        yield (*path, name)
        if below:
            yield from _leaves_below((*path, name), below)


def _below(kind: Any, step: str | int) -> Any:
    for part in _parts(kind):
        if _is_model(part):
            return aliases(part).get(str(step))
        if isinstance(step, int) and get_origin(part) is tuple:
            return get_args(part)[0]
        if _is_mapping(part):
            return get_args(part)[1]
    return None


def _model(kind: Any) -> type[BaseModel] | None:
    return next((part for part in _parts(kind) if _is_model(part)), None)


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _is_mapping(part: Any) -> bool:
    return get_origin(part) is Mapping


def _parts(kind: Any) -> Iterator[Any]:
    """Yield a type, the members of a union and the metadata of an annotation, at any depth."""
    origin = get_origin(kind)
    if origin is Annotated:
        for part in (*kind.__metadata__, kind.__origin__):
            yield from _parts(part)
    elif origin in (Union, UnionType):
        for part in get_args(kind):
            yield from _parts(part)
    else:
        yield kind


def _example(kind: Any) -> Any:
    for part in _parts(kind):
        if isinstance(part, Rule):
            return part.own or part.example
        if part is bool:
            return False
        if get_origin(part) is tuple:
            return [_example(get_args(part)[0])]
        if part is Stage:
            return Stage.DEVELOPMENT.value
    return None
