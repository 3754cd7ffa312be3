"""Lets a resource be read once in a call of the engine, and not once for every rule.

pulumi_policy 1.21 turns the properties of every resource into Python anew for each policy, and only then asks whether
the policy concerns it (`Analyze`, `AnalyzeStack`). With some sixty rules that is most of what judging costs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any, Final

import pulumi_policy.policy

_CALLS: Final = ("Analyze", "AnalyzeStack")


class _Thread(threading.local):
    """What was read in the call this thread answers, by reader and object; None outside a call. Calls overlap."""

    read: dict[tuple[Any, int], tuple[Any, Any]] | None = None


_thread = _Thread()


def once(reader: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``reader`` such that a call of the engine asks it once for each object. What it returned is shared: nobody
    may change it."""

    @wraps(reader)
    def remembering(value: Any, *more: Any) -> Any:
        if _thread.read is None or more:
            return reader(value, *more)
        key = (reader, id(value))
        if key not in _thread.read:
            # The object is kept too: were it let go, another one could be given its id.
            _thread.read[key] = (value, reader(value))
        return _thread.read[key][1]

    return remembering


def in_one_call(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``answer`` such that what it reads `once` is remembered until it returns."""

    @wraps(answer)
    def answering(*args: Any) -> Any:
        _thread.read = {}
        try:
            return answer(*args)
        finally:
            _thread.read = None

    return answering


def read_resources_once() -> None:
    """Let pulumi_policy read every resource once in a call. It has no setting for that."""
    library: Any = pulumi_policy.policy
    for name in _CALLS:
        setattr(library._PolicyAnalyzerServicer, name, in_one_call(getattr(library._PolicyAnalyzerServicer, name)))
    library.json_format = SimpleNamespace(MessageToDict=once(library.json_format.MessageToDict))
    library.deserialize_properties = once(library.deserialize_properties)
    library.unknown_checking_proxy = once(library.unknown_checking_proxy)
