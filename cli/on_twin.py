"""A preview on a stage's twin: no credential, no cloud, nothing of ours in reach of the program that is previewed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cli.twin import place_of, said_plainly_by_s3
from infra import alarms
from infra.faults import Fault, Refused
from infra.project import project_name
from policies.world import ALARMS
from preview import proposed
from preview.run import Said, TwinStack
from preview.twin_store import fetch
from preview.twin_workspace import bare_environment, make_workspace
from rehearsal.providers.registry import Registry
from rehearsal.providers.resources import Resources
from rehearsal.providers.server import ProviderServer, ProviderServicer
from rehearsal.providers.store import Store

_HOST: Final = "pulumi-language-python"
_ATTACHED: Final = "PULUMI_DEBUG_LANGUAGES"


def asked(
    stack: str, rules: Path, checkout: Path, place: str, profile: str | None, hear: Callable[[int], None]
) -> Said:
    """Return what the engine says of an `up` of ``checkout``, compared with the twin in ``place``, by the policies and
    the project's name of ``rules``, which is a checkout too. Raises Refused with what is missing or cannot be read."""
    _refuse_without_host()
    with said_plainly_by_s3("fetching the twin"):
        twin, _ = fetch(place_of(place, stack, profile, reading=True), project_name(rules), stack)
    with tempfile.TemporaryDirectory(prefix="bulkhead-twin-") as folder, _providers(Path(folder)) as providers:
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


def _refuse_without_host() -> None:
    """The engine of `make engine` runs programs of its own process only; without a host it would fail with a riddle."""
    cli = shutil.which("pulumi")
    beside = cli is not None and Path(cli).resolve().with_name(_HOST).exists()
    if cli is not None and not (beside or shutil.which(_HOST) or os.environ.get(_ATTACHED)):
        message = "is neither on PATH nor beside `pulumi`: the engine cannot run a program in Python without it"
        fix = "install Pulumi with its language hosts: https://www.pulumi.com/docs/install/"
        raise Refused("The program cannot be previewed.", [Fault(_HOST, message, fix)])


@contextmanager
def _providers(folder: Path) -> Iterator[str]:
    """Serve our own providers on 127.0.0.1 while the engine compares; yield how it finds them."""
    store = Store(folder / "store.sqlite")
    server = ProviderServer(ProviderServicer(Resources(Registry(), store)))
    try:
        yield server.debug_providers
    finally:
        server.stop()
        store.close()
