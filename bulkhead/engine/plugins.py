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

    Raises Refused with every package that has none, what is wrong with those that were seen, and the commands that
    install them.
    """
    looks = [_look(package) for package in packages]
    missing = [look for look in looks if isinstance(look, Fault)]
    if missing:
        raise Refused("The real plugins are not on this machine.", missing)
    return [look for look in looks if isinstance(look, Plugin)]


def install_plugins(plugins: Iterable[Plugin], folder: Path) -> None:
    """Put links to the plugins into ``folder``, which belongs on the engine's PATH: what lies beside them does not."""
    for plugin in plugins:
        link = folder / _program(plugin.package)
        link.unlink(missing_ok=True)
        link.symlink_to(plugin.path)


def _look(package: str) -> Plugin | Fault:
    """Return the plugin of a package; one of another major version has other resources than the program's SDK."""
    wanted, seen = sdk_version(package), list[str]()
    for path in _candidates(package):
        version = version_of(path, "--version")
        if version is None:
            seen.append(f"{path} does not answer --version with a version")
        elif str(version[0]) != wanted.partition(".")[0]:
            seen.append(f"{path} is version {text_of(version)}, and the program's SDK is {wanted}")
        else:
            return Plugin(package, path, version)
    none = f"no {_program(package)} on PATH, and Pulumi keeps no version {wanted}"
    return Fault(f"plugin {package}", "; ".join(seen) or none, f"pulumi plugin install resource {package} v{wanted}")


def _candidates(package: str) -> Iterator[Path]:
    """Yield the programs that are there. A link is not followed: what it leads to may have another name."""
    on_path = shutil.which(_program(package))
    if on_path:
        yield Path(on_path).absolute()
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    kept = home / "plugins" / f"resource-{package}-v{sdk_version(package)}" / _program(package)
    if kept.is_file():
        yield kept.absolute()


def _program(package: str) -> str:
    return f"pulumi-resource-{package}"
