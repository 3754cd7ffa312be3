"""What the clouds would answer, as far as it can be told beforehand (pure): ids and ARNs, each in words that no other
stage has.

Names are real, because the program chooses them. What a cloud makes up is a placeholder, ``<staging/D1Database/main>``.
An output that the row of a type does not tell (``tells``) stays unknown, and whoever needs it says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bulkhead.engine.rendered import CreateRequest, CreateResponse
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.planned import Sealed
from bulkhead.resources.values import MISSING, at, is_list

DEFAULTS: Final = {"path": "/", "groupName": "default"}
"""What AWS takes where the program gives none."""


def placeholder(environment: str, *path: str) -> str:
    """Return what stands for something that only exists once the stage does."""
    return f"<{environment}/{'/'.join(path)}>"


def answer(request: CreateRequest) -> CreateResponse:
    """Return how the cloud of one resource would name it."""
    row, made_up = row_of(request.type), placeholder(request.stack, request.type.rpartition(":")[2], request.name)
    if row is None:
        return CreateResponse(made_up)
    fields = _fields(request, row, made_up)
    outputs: dict[str, Any] = {}
    for output, template in row.tells.items():
        try:
            fields[output] = outputs[output] = template.format_map(fields)
        except KeyError:  # it is made of an input that is not known yet
            continue
    if row.named_by and "name" in fields:
        outputs[row.named_by] = fields["name"]
    return CreateResponse(
        outputs.pop("id", made_up),
        {output: Sealed(text) if output in row.secrets else text for output, text in outputs.items()},
    )


def _fields(request: CreateRequest, row: ResourceType, made_up: str) -> dict[str, str]:
    """Return what a template may hold: the inputs that are known, and what follows from them and from the provider."""
    name, region = at(request.inputs, row.named_by or "name"), at(request.inputs, "region")
    known = {
        **DEFAULTS,
        **request.inputs,
        "id": made_up,
        "secret": placeholder(request.stack, "secret", request.name),
        "account": account_of(request.provider),
        "name": made_up if name is MISSING else name,  # the provider makes one up where the program gives none
        "region": at(request.provider, "region") if region is MISSING else region,
    }
    fields = {key: value for key, value in known.items() if isinstance(value, str)}
    if "name" in fields:
        fields["relative"] = fields["name"].removeprefix("/")
    if "url" in fields:
        fields["host"] = fields["url"].removeprefix("https://")
    return fields


def account_of(provider: Mapping[str, Any]) -> str:
    """Return the AWS account that a provider is pinned to, nothing where it is pinned to none or to several."""
    pinned = nested(provider, "allowedAccountIds")
    return str(pinned[0]) if is_list(pinned) and len(pinned) == 1 else ""


def nested(provider: Mapping[str, Any], name: str) -> Any:
    """Return one setting of a provider; nested ones travel as JSON."""
    value = provider.get(name)
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
