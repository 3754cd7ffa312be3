"""The rule about size: what a cloud would refuse when half of a stage is made already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.resources import types as t
from bulkhead.resources.aws.keys import STANDARD_PARAMETER
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.limits import Excess, exceeded, in_bytes
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import MISSING
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation


def _too_large(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    row = row_of(resource.type)
    excesses = [*exceeded(row, resource.props)] if row else []
    value, tier = resource["value"], resource["tier"]
    if resource.type == t.SSM_PARAMETER and not excesses and tier in (MISSING, "Standard") and isinstance(value, str):
        size = in_bytes(value)
        if size > STANDARD_PARAMETER:
            excesses.append(Excess("value", "value", size, STANDARD_PARAMETER, "bytes"))
    for excess in excesses:
        yield Violation(
            f"is larger than its cloud takes: {excess}",
            "The `up` would end there, with what comes before it made and the rest not",
            "keep what is large in a store of the stage, and name it here",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "larger-than-the-cloud-takes",
        ("ENV-8",),
        "What a preview shows can be made",
        (),  # it says nothing of what a type may hold, so that it counts for none
        _too_large,
    ),
)
