"""A type of resource behind a cloud's API, and what our providers of Cloudflare and GitHub have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import httpx

from bulkhead.clients.refusals import ApiRefused, Uncertain
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller, Properties
from bulkhead.localclouds.providers.store import Record

_GONE: Final = 404
_TIMEOUT: Final = 60.0  # seconds; a stage that changes restarts workerd


class Remote(Protocol):
    """A type of resource behind an API. ``known`` and ``inputs`` are its properties and its inputs in the state, both
    empty for an import. All raise ApiRefusal."""

    def create(self, caller: Caller, inputs: Properties) -> Record:
        """Make the resource, or write over it where the API does."""

    def read(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record | None:
        """Return the resource as the API shows it, None when it is gone."""

    def update(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record:
        """Change the resource in place."""

    def delete(self, caller: Caller, id_: str, known: Properties) -> None:
        """Do what the plugin's delete does."""


def ask(
    api: Rest, caller: Caller, method: str, path: str, body: Any, *, may_be_gone: bool, where: str = "", **request: Any
) -> httpx.Response | None:
    """Return the answer, None for what is gone if it may be. Raises ApiRefusal, each reason behind ``where``."""
    try:
        return api.request(method, path, body, timeout=_TIMEOUT, **request)
    except ApiRefused as refused:
        if may_be_gone and refused.status == _GONE:
            return None
        reasons = [str(reason) for reason in refused.reasons] or [fault.message for fault in refused.faults]
        doubt = (_in_doubt(caller),) if isinstance(refused, Uncertain) else ()
        raise ApiRefusal(*(f"{where}{reason}" for reason in reasons), *doubt) from None


def _in_doubt(caller: Caller) -> str:
    """Return what to do where nobody knows whether a call was served."""
    adopt = f"`bulkhead adopt {caller.environment}` (with --identities for what those make)"
    return f"it may have been done all the same: {adopt} takes it in or names it, then bring the stage up again"


def over(given: Any, told: Any) -> Any:
    """Return what the API tells, completed by what it was given and never tells, such as a secret's text."""
    if isinstance(given, Mapping) and isinstance(told, Mapping):
        return {**given, **{name: over(given.get(name), value) for name, value in told.items()}}
    if isinstance(given, list) and isinstance(told, list) and len(given) == len(told):
        return [over(one, other) for one, other in zip(given, told, strict=True)]
    return told


def found_in(told: Any, given: Any, value: Callable[[Any, Any], Any] = lambda told, _given: told) -> Any:
    """Return the part of what the API tells that was given: what it adds by itself is no change. ``value`` chooses
    between two values that are no objects or lists."""
    if isinstance(given, Mapping) and isinstance(told, Mapping):
        return {name: found_in(told.get(name), each, value) for name, each in given.items()}
    if isinstance(given, list) and isinstance(told, list) and len(given) == len(told):
        return [found_in(one, other, value) for one, other in zip(told, given, strict=True)]
    return value(told, given)
