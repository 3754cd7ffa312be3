"""Refuses a twin in which a value looks like a secret, without showing the value (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.preview.leaks import leaks
from bulkhead.resources.sentinels import PLACEHOLDER, without_envelopes
from bulkhead.twin.secrets import HARMLESS, Path, suspects, told

_SHORTEST_COPY: Final = 8


def refuse_suspects(resources: Sequence[Mapping[str, Any]], notes: Any, plain: Set[str]) -> None:
    """Raise Refused with every value of a redacted state that looks like a secret: its place, never the value.

    ``notes`` is what else is in the state. ``plain`` are secrets that stood in the clear, and may stand elsewhere too.
    """
    # A word may be a secret of one resource and the name of another.
    known = {str(n): text for n, text in enumerate(plain) if len(text) >= _SHORTEST_COPY and not text.isalpha()}
    faults = [
        _suspect(resource, path, what, known)
        for resource in resources
        for path, what in _suspects(resource, known)
        if (resource["type"], _spelt(step for step in path if isinstance(step, str))) not in HARMLESS
    ]
    faults += [Fault("state", f"its own notes hold what looks like {what}") for _, what in suspects(notes, PLACEHOLDER)]
    if faults:
        summary = "There is no twin: values that look like secrets are not marked as secrets in the state."
        raise Refused(summary, dict.fromkeys(faults))


def opened(value: Any) -> Any:
    """Return a value of a twin with plain placeholders instead of their secret envelopes, whose keys are no
    properties."""
    return without_envelopes(value, lambda _: PLACEHOLDER)


def name_of(resource: Mapping[str, Any]) -> str:
    """Return the name that the program gave a resource."""
    return str(resource["urn"]).rpartition("::")[2]


def _suspects(resource: Mapping[str, Any], known: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    readable = opened(resource)
    yield from suspects(readable, PLACEHOLDER)
    for part, value in readable.items() if known else ():
        if leaks(json.dumps({part: value}), known):
            yield (part,), "a copy of what is a secret elsewhere"


def _suspect(resource: Mapping[str, Any], path: Path, what: str, known: Mapping[str, str]) -> Fault:
    message = f"{_told(resource['type'], known)}: looks like {what}, and whoever reads the twin would have it"
    fix = (
        "make it a secret in the program (pulumi.Output.secret, additional_secret_outputs), `pulumi up`, and change "
        "the value if others could read the state; if it is none, say why in HARMLESS of bulkhead/twin/secrets.py"
    )
    place = _spelt(step if isinstance(step, int) else _told(step, known) for step in path)
    return Fault(f"{_told(name_of(resource), known)}: {place}", message, fix)


def _told(name: Any, known: Mapping[str, str]) -> str:
    return "(a name with a secret in it)" if leaks(str(name), known) else told(str(name), PLACEHOLDER)


def _spelt(path: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
