"""AWS's actions that know no resource, so that a policy can name none (pure); the table is generated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from bulkhead.resources.statements import action_matches

FILE: Final = Path(__file__).parent / "aws" / "actions.json"


class Access(StrEnum):
    """What an action does, by the words of AWS's reference: listing counts as reading, tagging as writing."""

    READ = "read"
    WRITE = "write"
    PERMISSIONS = "permissions"


@cache
def without_resource() -> Mapping[str, Mapping[str, Access]]:
    """Return the actions that know no resource, in lower case, by service; ``describe*`` stands for all that begin
    so."""
    services: Mapping[str, Mapping[str, str]] = json.loads(FILE.read_text(encoding="utf-8"))["services"]
    return {
        service: {name.lower(): Access(access) for access, names in found.items() for name in names.split()}
        for service, found in services.items()
    }


def access_without_resource(action: str) -> Access | None:
    """Return what an action does, or a pattern of actions, if it knows no resource; None if it may know one, or is
    newer than the table."""
    service, _, name = action.lower().partition(":")
    known = without_resource().get(service, {})
    by_verb = (access for verb, access in known.items() if verb.endswith("*") and action_matches(verb, name))
    return known.get(name) or next(by_verb, None)
