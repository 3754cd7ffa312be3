"""Reads a resource once per call of the engine, and not once per rule.

pulumi_policy 1.21 converts the properties of every resource to Python again for each policy, and only then checks
whether the policy applies (`Analyze`, `AnalyzeStack`). With some sixty rules that takes most of the time.
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
    """What this thread has read in its current call, by reader and object; None outside a call. Calls overlap."""

    read: dict[tuple[Any, int], tuple[Any, Any]] | None = None


_thread = _Thread()


def once(reader: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``reader`` with its results cached per object during a call of the engine. The results are shared: nobody
    may change them."""

    @wraps(reader)
    def remembering(value: Any, *more: Any) -> Any:
        if _thread.read is None or more:
            return reader(value, *more)
        key = (reader, id(value))
        if key not in _thread.read:
            # The object is kept too: otherwise a new object could get its id.
            _thread.read[key] = (value, reader(value))
        return _thread.read[key][1]

    return remembering


def in_one_call(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``answer`` with a cache for readers of `once` that lives until it returns."""

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
