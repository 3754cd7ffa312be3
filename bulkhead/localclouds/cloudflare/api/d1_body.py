"""What D1's routes take, and how they refuse (pure).

Source: D1's API reference; the words and codes of refusals as users report them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import Refusal

_NAMES: Final = {str: "string", list: "array", dict: "object", bool: "boolean"}


def malformed(why: str) -> Refusal:
    """Return the answer for a request that is none."""
    return Refusal(400, (7400, f"The request is malformed: {why}"))


def fault(what: str) -> Refusal:
    """Return the answer when the database refuses."""
    return Refusal(400, (7500, what))


def members(body: Mapping[str, Any], **expected: Any) -> list[Any]:
    """Return the members of a body in the order of ``expected``: a type, or a list of one that may be left out.

    Raises Refusal for a member that is missing, of another type or not expected.
    """
    if unknown := [name for name in body if name not in expected]:
        raise malformed(f"Invalid property: {unknown[0]} => the local Cloudflare knows no such member here")
    found: list[Any] = []
    for name, wanted in expected.items():
        (type_,) = wanted if isinstance(wanted, list) else (wanted,)
        if name not in body and isinstance(wanted, list):
            found.append(None)
        elif name not in body:
            raise malformed(f"Invalid property: {name} => Required")
        elif not isinstance(body[name], type_):
            raise malformed(f"Invalid property: {name} => Expected {_NAMES[type_]}")
        else:
            found.append(body[name])
    return found
