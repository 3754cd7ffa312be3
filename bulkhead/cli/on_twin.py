"""A preview on a stage's twin: no credential, no cloud, nothing of ours in reach of the program that is previewed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from bulkhead.cli.twin import place_of, said_plainly_by_s3
from bulkhead.engine.preview import Said, TwinStack
from bulkhead.localclouds.providers import alone
from bulkhead.model import alarms
from bulkhead.model.project import project_name
from bulkhead.preview import proposed
from bulkhead.twin.store import fetch
from bulkhead.twin.workspace import bare_environment, make_workspace, require_language_host
from policies.context import ALARMS


def asked(
    stack: str, rules: Path, checkout: Path, place: str, profile: str | None, hear: Callable[[int], None]
) -> Said:
    """Return what the engine says of an `up` of ``checkout``, compared with the twin in ``place``, by the policies and
    the project's name of ``rules``, which is a checkout too. Raises Refused with what is missing or cannot be read."""
    require_language_host()
    with said_plainly_by_s3("fetching the twin"):
        twin, _ = fetch(place_of(place, stack, profile, reading=True), project_name(rules), stack)
    with tempfile.TemporaryDirectory(prefix="bulkhead-twin-") as folder, alone.serving(Path(folder)) as providers:
        workspace = make_workspace(checkout, twin, Path(folder) / "twin")
        product = Path(folder) / "product.json"
        proposed.write(checkout, stack, product, bare_environment(workspace))
        environment = {
            "PULUMI_DEBUG_PROVIDERS": providers,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            proposed.FILE: str(product),
            ALARMS: str((checkout / alarms.FILE).resolve()),
        }
        return TwinStack(stack, workspace, rules, environment).preview(hear)
