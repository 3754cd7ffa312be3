"""Converts a resource's old state to the form of our own providers (pure).

A state may have been made by the providers' own plugins, and our providers compare a twin of one with the program
(bulkhead/twin/state.py). The plugins add notes to the inputs, leave out inputs that they compute, and refresh a set in
an order of its own; a twin redacts the values that they mark as secret. None of that is a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.localclouds.providers.handler import Properties
from bulkhead.localclouds.providers.wire import Message, Steps
from bulkhead.resources.sentinels import PLACEHOLDER

_NOTES: Final = "__"  # begins the names of what bridges and the engine keep beside the properties
_DEFAULTS: Final = "__defaults"  # names the inputs that a plugin filled in (pulumi-terraform-bridge, pkg/reservedkeys)


def inputs_before(old: Message, outputs: Properties, new: Message, unordered: Set[str] = frozenset()) -> Properties:
    """Return the old inputs in a form that can be compared with ``new``; ``outputs`` are the old outputs, ``unordered``
    the paths of sets (`bulkhead.resources.kind.ResourceType`)."""
    before: Properties = _Past(old, new, unordered).of(old.values, outputs, new.values, ())
    return before


def without_notes(values: Properties) -> Properties:
    """Return properties without the notes of the engine and the bridges."""
    return {name: value for name, value in values.items() if not name.startswith(_NOTES)}


@dataclass(frozen=True, slots=True)
class _Past:
    old: Message
    news: Message
    unordered: Set[str]

    def of(self, value: Any, output: Any, new: Any, path: Steps) -> Any:
        """Return what ``value`` at a path of the old inputs was, in the form of ``new``."""
        if value == PLACEHOLDER and path in self.old.secrets and not _is_secret(path, self.news):
            return new  # its old value is not known: the plugin marked it as secret, and the program does not
        if isinstance(value, Mapping) and isinstance(new, Mapping):
            filled_in = value.get(_DEFAULTS, ())
            kept = {
                name: self.of(part, _member(output, name), new.get(name), (*path, name))
                for name, part in without_notes(value).items()
                if name in new or name not in filled_in
            }
            # A value that equals the old output was computed, or was the API's default, and is now set by the program.
            computed = {name: part for name, part in new.items() if name not in value and part == _member(output, name)}
            return {**computed, **kept}
        if isinstance(value, list) and isinstance(new, list) and len(value) == len(new):
            items = [(part, _member(output, index)) for index, part in enumerate(value)]
            if _spelt(path) in self.unordered:
                items = list(self._in_order_of(new, [(part, _told_of(part, output)) for part in value], path))
            return [self.of(*item, new[index], (*path, index)) for index, item in enumerate(items)]
        return new if _is_number_as_text(value, new) else value

    def _in_order_of(self, new: list[Any], items: list[tuple[Any, Any]], path: Steps) -> Iterator[tuple[Any, Any]]:
        """Yield the items of a set, each where ``new`` has the same one, and the others in their order between them."""
        left = list(items)
        same = []
        for index, wanted in enumerate(new):
            found = next((item for item in left if self.of(*item, wanted, (*path, index)) == wanted), None)
            same.append(found)
            if found is not None:
                left.remove(found)
        yield from (left.pop(0) if item is None else item for item in same)


def _told_of(part: Any, output: Any) -> Any:
    """Return the item of a set of outputs that is about an item of the inputs: their orders are not the same."""
    if not isinstance(part, Mapping) or not isinstance(output, list):
        return None
    said = without_notes(part).items()
    return next((each for each in output if isinstance(each, Mapping) and said <= each.items()), None)


def _spelt(path: Steps) -> str:
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _is_secret(path: Steps, message: Message) -> bool:
    return any(path[: len(each)] == each for each in message.secrets)


def _member(output: Any, step: str | int) -> Any:
    if isinstance(output, Mapping):
        return output.get(step)
    return output[step] if isinstance(output, list) and isinstance(step, int) and step < len(output) else None


def _is_number_as_text(value: Any, new: Any) -> bool:
    """A number that does not fit Pulumi's is a text in a state (pulumi-terraform-bridge, `numDelta`)."""
    if not isinstance(value, str) or isinstance(new, bool) or not isinstance(new, int | float):
        return False
    try:
        return float(value) == float(new)
    except ValueError:
        return False
