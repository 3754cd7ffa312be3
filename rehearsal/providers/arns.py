"""What AWS resources of every service have: a region, an ARN, tags of their own and of the provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rehearsal.providers.checks import Check
from rehearsal.providers.handler import Caller, Properties
from rehearsal.providers.rules import Identify

REGIONAL: Final = frozenset({"region"})
ARN: Final = (r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+", "an ARN")


def region(caller: Caller, inputs: Properties) -> str:
    return str(inputs.get("region") or caller.config.get("region", ""))


def all_tags(caller: Caller, inputs: Properties) -> dict[str, str]:
    defaults = (caller.config.get("defaultTags") or {}).get("tags") or {}
    return {**defaults, **(inputs.get("tags") or {})}


def arn_of(service: str, resource: str, *, regional: bool = True) -> Identify:
    """Return what makes the ARN of a resource; ``resource`` may hold ``{property}``."""

    def identify(caller: Caller, inputs: Properties) -> str:
        where = region(caller, inputs) if regional else ""
        return f"arn:aws:{service}:{where}:{caller.account}:{resource.format(**inputs)}"

    return identify


def superseded(sides: str) -> Check:
    """The inline settings named are deprecated, and fight with the resources that hold them now."""

    def check(inputs: Properties) -> Iterator[str]:
        for name in sides.split():
            if name in inputs:
                yield f"{name}: is deprecated here and fights with the resource of its own; use that one"

    return check
