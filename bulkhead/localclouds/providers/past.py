"""Converts a resource's old state to the form of our own providers (pure).

A state may have been made by the providers' own plugins, and our providers compare a twin of one with the program
(bulkhead/twin/state.py). The plugins add notes to the inputs, and leave out inputs that they compute; a twin redacts
the values that they mark as secret. None of that is a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.providers.handler import Properties
from bulkhead.localclouds.providers.wire import Message, Steps
from bulkhead.resources.sentinels import PLACEHOLDER

_NOTES: Final = "__"  # begins the names of what bridges and the engine keep beside the properties
_DEFAULTS: Final = "__defaults"  # names the inputs that a plugin filled in (pulumi-terraform-bridge, pkg/reservedkeys)


def inputs_before(old: Message, outputs: Properties, new: Message) -> Properties:
    """Return the old inputs in a form that can be compared with ``new``; ``outputs`` are the old outputs."""
    before: Properties = _before(old.values, outputs, new.values, (), old, new)
    return before


def without_notes(values: Properties) -> Properties:
    """Return properties without the notes of the engine and the bridges."""
    return {name: value for name, value in values.items() if not name.startswith(_NOTES)}


def _before(value: Any, output: Any, new: Any, path: Steps, old: Message, news: Message) -> Any:
    if value == PLACEHOLDER and path in old.secrets and not _is_secret(path, news):
        return new  # its old value is not known: the plugin marked it as secret, and the program does not
    if isinstance(value, Mapping) and isinstance(new, Mapping):
        filled_in = value.get(_DEFAULTS, ())
        kept = {
            name: _before(part, _member(output, name), new.get(name), (*path, name), old, news)
            for name, part in without_notes(value).items()
            if name in new or name not in filled_in
        }
        # A value that equals the old output was computed, or was the API's default, and is now set by the program.
        computed = {name: part for name, part in new.items() if name not in value and part == _member(output, name)}
        return {**computed, **kept}
    if isinstance(value, list) and isinstance(new, list) and len(value) == len(new):
        return [
            _before(part, _member(output, index), new[index], (*path, index), old, news)
            for index, part in enumerate(value)
        ]
    return new if _is_number_as_text(value, new) else value


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
