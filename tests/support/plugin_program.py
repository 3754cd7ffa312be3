"""A program that the engine starts as it starts a provider's plugin: `python -m tests.support.plugin_program PACKAGE`.

It stands for the real plugin, which most machines do not have: it takes the API's address from its configuration alone,
and says its port on its standard output. Behind it are our own rules.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bulkhead.engine.plugins import sdk_version
from bulkhead.localclouds.providers.cloudflare_remote import cloudflare_remotes
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.github_remote import github_remotes
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.remote import Remote
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store

_ROOT: Final = Path(__file__).resolve().parents[2]
_REMOTES: Final[Mapping[str, Callable[[str], Mapping[str, Remote]]]] = {
    "cloudflare": cloudflare_remotes,
    "github": github_remotes,
}


def install(folder: Path, package: str) -> Path:
    """Write the program of a package into ``folder``, under the name by which the engine finds it."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"pulumi-resource-{package}"
    command = f'PYTHONPATH="{_ROOT}" exec "{sys.executable}" -m tests.support.plugin_program {package} "$@"'
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo {sdk_version(package)}; exit; fi\n{command}\n', encoding="utf-8"
    )
    program.chmod(0o755)
    return program


def serve(package: str, folder: Path) -> None:
    """Serve until the engine ends this process."""
    remote: dict[str, Remote] = {}

    def welcome(caller: Caller) -> None:
        remote.update(_REMOTES[package](caller.config["baseUrl"]))

    clouds = Dispatch(Resources(Registry(), Store(folder / "store.sqlite")), remote)
    server = ProviderServer(ProviderServicer(clouds, welcome))
    print(server.port, flush=True)  # noqa: T201 - the engine reads it
    signal.pause()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        serve(sys.argv[1], Path(place))
