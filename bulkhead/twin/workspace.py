"""A folder in which the engine previews a checkout against a twin: it holds no secret, and the engine uses nothing
else.

The folder has a home, a file backend and a work folder of its own. The checkout is a link in it, because a project's
`main` must lie below it. The stack's settings are a copy, because the engine may rewrite them at any time. They are
those of the checkout, not those that were deployed, so that a change to them is previewed too. Only their secrets are
replaced, by the placeholder that stands in the twin.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.engine.environment import apart, attached, bare
from bulkhead.engine.stack import StackCli
from bulkhead.engine.workspace import write_files
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.project import FILE, read_project
from bulkhead.model.settings import reader
from bulkhead.model.settings.paths import stack_file
from bulkhead.twin.state import PASSPHRASE, SALT, Twin, with_placeholders

_MARK: Final = ".bulkhead-twin"  # marks a folder that may be overwritten
_LINK: Final = "checkout"
# Keys of Pulumi.yaml that are left out: where the real state and settings are, which must not be used here; and the
# programs that replace plugins, because one could replace the policies.
_ELSEWHERE: Final = ("backend", "plugins", "stackConfigDir")


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the engine runs (``work``), and the ``environment`` that confines it to this backend."""

    work: Path
    environment: Mapping[str, str]

    @property
    def bare(self) -> dict[str, str]:
        """The whole environment of an engine whose program must learn nothing of this process."""
        return {**bare(self.work.parent / "home"), **self.environment}


def make_workspace(checkout: Path, twin: Twin, into: Path) -> Workspace:
    """Make the folder ``into`` a workspace for ``twin``, or renew it. Raises Refused with every fault, and for a
    folder that holds anything else."""
    into = into.resolve()
    checkout = checkout.resolve()
    project, settings = _in_workspace(read_project(checkout), checkout), twin_settings(checkout, twin.stack)
    _claim(into)
    work, state = into / "work", into / "state"
    for subfolder in (work, state):
        shutil.rmtree(subfolder, ignore_errors=True)
        subfolder.mkdir(parents=True)
    (work / _LINK).symlink_to(checkout, target_is_directory=True)
    write_files(work, project, twin.stack, salt=SALT, config=settings)
    document = into / "twin.json"
    document.write_text(json.dumps(twin.body(), indent=2), encoding="utf-8")
    workspace = Workspace(work, apart(into / "home", state, PASSPHRASE))
    StackCli(twin.stack, work, environment=workspace.bare).make(document)
    return workspace


def twin_settings(checkout: Path, stack: str) -> dict[str, Any]:
    """Return the settings of a stack in ``checkout``, with placeholders for secrets. Raises Refused with every
    fault."""
    file = reader.read(checkout / stack_file(stack))
    if file.faults:
        raise Refused(f"The settings of {stack} cannot be used with a twin.", file.faults)
    return with_placeholders(file.config)


def compute(workspace: Workspace, stack: str, providers: Mapping[str, int]) -> dict[str, Any]:
    """Return the update plan (see `bulkhead.twin.settled`) of the checkout's program with placeholders.

    The program gets nothing of this process's environment, so it cannot use a real secret. ``providers`` maps packages
    to the ports of our own providers: the real plugins would need their notes in the state, which a twin does not
    have. Raises Refused when the program fails.
    """
    environment = {**workspace.bare, **attached(providers, os.environ)}
    return StackCli(stack, workspace.work, environment=environment).saved_plan(workspace.work.parent / "plan.json")


def _in_workspace(project: Mapping[str, Any], checkout: Path) -> dict[str, Any]:
    """Return Pulumi.yaml for the work folder, with its paths leading into the checkout. Raises Refused when the Python
    that it names is missing."""
    moved = {name: part for name, part in project.items() if name not in _ELSEWHERE}
    moved["main"] = str(Path(_LINK, project.get("main", ".")))
    runtime = project.get("runtime")
    if isinstance(runtime, Mapping):
        options = dict(runtime.get("options") or {})
        if "virtualenv" in options:
            python = checkout / options["virtualenv"]
            if not python.exists():
                message = "names a virtual environment that is not there; the engine would make one in the checkout"
                raise Refused("The program cannot be run.", [Fault("runtime", message, "make install", FILE)])
            options["virtualenv"] = str(python)
        moved["runtime"] = {**runtime, "options": options}
    return moved


def _claim(into: Path) -> None:
    mark = into / _MARK
    if into.exists() and not mark.exists() and (not into.is_dir() or any(into.iterdir())):
        message = "is not empty and was not made by this command, which would write over it"
        raise Refused("Nothing was done.", [Fault(str(into), message, "name a folder that does not exist yet")])
    into.mkdir(parents=True, exist_ok=True)
    mark.touch()
