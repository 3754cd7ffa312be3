"""A stack's twin, made to be published: redacted, settled, and searched for the values of secrets."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Final

from bulkhead.engine.stack import StackCli
from bulkhead.machine.git import git
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.project import project_name
from bulkhead.preview.leaks import leaks
from bulkhead.twin.settled import settled
from bulkhead.twin.state import Twin, name_of, redact
from bulkhead.twin.workspace import compute, make_workspace

_MEND: Final = "keep it an Output in the program (no pulumi.Output.unsecret), `pulumi up`, then publish again"


def make_twin(stack: StackCli, checkout: Path, *, settle: bool) -> Twin:
    """Return the twin of a stack of ``checkout``. With ``settle``, the program is previewed on it first, and what it
    makes of placeholders is taken over. Raises Refused with every value that looks like a secret and is not marked."""
    twin = redact(stack.export(), project_name(checkout), stack.name)
    if not settle:
        return twin
    from bulkhead.localclouds.providers import alone  # noqa: PLC0415 (the providers' SDKs take seconds to import)

    with tempfile.TemporaryDirectory() as folder, alone.serving(Path(folder)) as providers:
        workspace = make_workspace(checkout, twin, Path(folder) / "twin")
        return settled(twin, compute(workspace, stack.name, providers))


def refuse_values(twin: Twin, stack: StackCli) -> bool:
    """Raise Refused when the value of a secret stands in the twin; say whether the values could be had at all. Nobody
    needs them to publish, but who has them sees what no form betrays: a copy that the program says is no secret."""
    try:
        values = stack.secrets()
    except Refused:
        return False
    faults = [
        Fault(f"{name_of(resource)}: {leak.name}", f"the value of this secret stands in the state, {leak.form}", _MEND)
        for resource in twin.resources
        for leak in leaks(json.dumps(resource), values)
    ]
    if faults:
        raise Refused("There is no twin: a secret's value stands in the state and is not marked as a secret.", faults)
    return True


def provenance(twin: Twin, checkout: Path) -> dict[str, str | None]:
    """Return what is published beside a twin: the commit that is checked out, where that is known, and the engine."""
    head = git(checkout, "rev-parse", "HEAD")
    return {"commit": head.strip() if head else os.environ.get("GITHUB_SHA"), "engine": twin.engine}
