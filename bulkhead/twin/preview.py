"""A preview on a stage's twin: the previewed program reaches no credential, no cloud and no file of the gate."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bulkhead.engine.cli import OnProgress, Output, require_language_host
from bulkhead.engine.environment import attached
from bulkhead.engine.stack import StackCli
from bulkhead.localclouds.providers import alone
from bulkhead.model import alarms, tasks
from bulkhead.model.project import project_name
from bulkhead.preview import proposed
from bulkhead.twin.store import TwinPlace, fetch
from bulkhead.twin.workspace import make_workspace
from policies.context import ALARMS, TASKS

# The rules of `policies`, with the product from a file: see bulkhead/preview/proposed.py.
_PACK: Final = "bulkhead/preview/pack"
_CATALOGUES: Final = {ALARMS: alarms.FILE, TASKS: tasks.FILE}


def preview_on_twin(
    stack: str, rules: Path, checkout: Path, place: Callable[[], TwinPlace], on_progress: OnProgress
) -> Output:
    """Return the engine's preview of an `up` of ``checkout``, compared with the twin in ``place``. The policies and
    the project's name come from ``rules``, another checkout. Raises Refused with what is missing or cannot be read."""
    require_language_host()
    twin, _ = fetch(place(), project_name(rules), stack)
    with tempfile.TemporaryDirectory(prefix="bulkhead-twin-") as folder, alone.serving(Path(folder)) as providers:
        workspace = make_workspace(checkout, twin, Path(folder) / "twin")
        product = Path(folder) / "product.json"
        proposed.write(checkout, stack, product, workspace.bare)
        judged_by = {proposed.FILE: str(product)}
        judged_by |= {where: str((checkout / file).resolve()) for where, file in _CATALOGUES.items()}
        environment = {**workspace.bare, **attached(providers), **judged_by}
        begun = twin.deployment["pending_operations"]  # an import, which fills the workspace, drops them
        return StackCli(stack, workspace.work, environment=environment).preview(str(rules / _PACK), on_progress, begun)
