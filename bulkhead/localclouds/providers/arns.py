"""What AWS resources of every service share: a region, an ARN, tags of their own and of the provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.localclouds.providers.checks import Check, named
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import Identify
from bulkhead.localclouds.providers.wire import UNKNOWN

ARN: Final = (r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:.+", "an ARN")


def with_all_tags(inputs: Properties, provider: Properties) -> Properties:
    """Return the inputs with ``tagsAll``: the real provider joins its own tags with the resource's before it compares,
    so that a change of its tags alone is a change of every resource (pulumi-aws, provider/tags.go)."""
    defaults, own = (provider.get("defaultTags") or {}).get("tags") or {}, inputs.get("tags") or {}
    unknown = UNKNOWN in (defaults, own) or UNKNOWN in (*defaults.values(), *own.values())
    return {**inputs, "tagsAll": UNKNOWN if unknown else {**defaults, **own}}


def arn_of(service: str, resource: str, *, regional: bool = True) -> Identify:
    """Return a function that makes the ARN of a resource; ``resource`` may contain ``{property}``."""

    def identify(caller: Caller, inputs: Properties) -> str:
        where = caller.region_of(inputs) if regional else ""
        return f"arn:aws:{service}:{where}:{caller.account}:{resource.format(**inputs)}"

    return identify


@named
def superseded(sides: str) -> Check:
    """Refuse deprecated inline settings, because they conflict with the resources that have replaced them."""

    def check(inputs: Properties) -> Iterator[str]:
        for name in sides.split():
            if name in inputs:
                yield f"{name}: is deprecated here and fights with the resource of its own; use that one"

    return check
