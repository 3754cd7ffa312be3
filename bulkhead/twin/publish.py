"""Makes a stack's twin for publication: redacted, settled, and searched for the values of secrets."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bulkhead.engine.stack import StackCli
from bulkhead.machine.git import git
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.instants import instant
from bulkhead.model.project import project_name
from bulkhead.preview.leaks import leaks
from bulkhead.resources.sentinels import PLACEHOLDER
from bulkhead.twin import store
from bulkhead.twin.secrets import told
from bulkhead.twin.settled import settled
from bulkhead.twin.state import Twin, redact
from bulkhead.twin.suspected import name_of
from bulkhead.twin.workspace import compute, make_workspace

_MEND: Final = "keep it an Output in the program (no pulumi.Output.unsecret), `pulumi up`, then publish again"


def make_twin(stack: StackCli, checkout: Path, *, settle: bool) -> Twin:
    """Return the twin of a stack of ``checkout``. With ``settle``, the program is previewed on it first, and the
    values that it computes from placeholders are used. Raises Refused with every value that looks like a secret and is
    not marked."""
    twin = redact(stack.export(), project_name(checkout), stack.name)
    if not settle:
        return twin
    from bulkhead.localclouds.providers import alone  # noqa: PLC0415 (the providers' SDKs take seconds to import)

    with tempfile.TemporaryDirectory() as folder, alone.serving(Path(folder)) as providers:
        workspace = make_workspace(checkout, twin, Path(folder) / "twin")
        return settled(twin, compute(workspace, stack.name, providers))


def refuse_values(twin: Twin, stack: StackCli) -> bool:
    """Raise Refused when the twin contains the value of a secret. Return whether the values could be decrypted:
    publishing does not need them, but only with them can a copy be found that the program does not mark as a
    secret."""
    try:
        values = stack.secrets()
    except Refused:
        return False
    faults = [
        Fault(f"{_named(resource, values)}: {leak.name}", f"its value stands in the state, {leak.form}", _MEND)
        for resource in twin.resources
        for leak in leaks(json.dumps(resource), values)
    ]
    if faults:
        raise Refused("There is no twin: a secret's value stands in the state and is not marked as a secret.", faults)
    return True


def _named(resource: Mapping[str, Any], values: Mapping[str, str]) -> str:
    name = name_of(resource)
    return "(a name with the secret in it)" if leaks(name, values) else told(name, PLACEHOLDER)


def put(twin: Twin, checkout: Path, to: str, profile: str | None) -> bool:
    """Store a twin of ``checkout`` below the place ``to``; return whether that was necessary."""
    now = instant(datetime.now(UTC))
    place = store.place_of(to, checkout, twin.stack, profile)
    return store.publish(twin, place, provenance(twin, checkout), now=now)


def provenance(twin: Twin, checkout: Path) -> dict[str, str | None]:
    """Return the provenance of a twin: the commit that is checked out, None if it is not known, and the engine's
    version."""
    head = git(checkout, "rev-parse", "HEAD")
    return {"commit": head.strip() if head else os.environ.get("GITHUB_SHA"), "engine": twin.engine}
