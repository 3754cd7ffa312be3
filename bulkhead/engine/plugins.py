"""The real plugins of Pulumi's providers, where this machine has them. Nothing is downloaded."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bulkhead.engine.versions import Version, text_of, version_of
from bulkhead.model.faults import Fault, Refused


@dataclass(frozen=True, slots=True)
class Plugin:
    """The program that serves the resources of ``package``."""

    package: str
    path: Path
    version: Version

    def __str__(self) -> str:
        return f"{self.package} {text_of(self.version)}"


def sdk_version(package: str) -> str:
    """Return the version of the Python SDK of ``package``."""
    return importlib.metadata.version(f"pulumi-{package}")


def find_plugins(packages: Iterable[str]) -> list[Plugin]:
    """Return the plugin of each package: on PATH, or where the Pulumi CLI of this user keeps the SDK's version.

    Raises Refused with every package that has none, and the commands that install them.
    """
    found = {package: _find(package) for package in packages}
    missing = [package for package, plugin in found.items() if plugin is None]
    if missing:
        raise Refused("The real plugins are not on this machine.", [_missing(package) for package in missing])
    return [plugin for plugin in found.values() if plugin is not None]


def _find(package: str) -> Plugin | None:
    for path in _candidates(package):
        version = version_of(path, "--version") if path.is_file() else None
        if version is not None:
            return Plugin(package, path, version)
    return None


def _candidates(package: str) -> Iterator[Path]:
    name = f"pulumi-resource-{package}"
    on_path = shutil.which(name)
    if on_path:
        yield Path(on_path).resolve()
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    yield home / "plugins" / f"resource-{package}-v{sdk_version(package)}" / name


def _missing(package: str) -> Fault:
    message = f"no pulumi-resource-{package} on PATH, and Pulumi keeps no version {sdk_version(package)} that runs here"
    return Fault(f"plugin {package}", message, f"pulumi plugin install resource {package} v{sdk_version(package)}")
