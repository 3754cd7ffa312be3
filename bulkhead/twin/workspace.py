"""A folder in which the engine previews a checkout against a twin: nothing in it is secret, nothing beyond it is asked.

The folder has a home, a file backend and a work folder of its own. The checkout appears in there as a link, because a
project's `main` must lie below it; the stack's settings as a copy, because the engine rewrites them whenever it feels
like it. They are those of the checkout, not those that were deployed, so that a change to them is previewed, too. Only
their secrets are replaced, by the placeholder that stands in the twin.
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

_MARK: Final = ".bulkhead-twin"  # tells a folder that may be written over from one that somebody needs
_LINK: Final = "checkout"
# Of Pulumi.yaml: where the state and the settings really are, which must not be asked from here; and which programs
# stand in for plugins, because one could stand in for the policies.
_ELSEWHERE: Final = ("backend", "plugins", "stackConfigDir")


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the engine is to run (``work``), and the ``environment`` that keeps it from any other backend."""

    work: Path
    environment: Mapping[str, str]

    @property
    def bare(self) -> dict[str, str]:
        """All that an engine is given whose program is not to know anything of this process."""
        return {**bare(self.work.parent / "home"), **self.environment}


def make_workspace(checkout: Path, twin: Twin, into: Path) -> Workspace:
    """Make ``into`` a workspace for ``twin``, or make it anew. Raises Refused with all that is wrong, and for a folder
    that holds anything else."""
    into = into.resolve()
    checkout = checkout.resolve()
    project, settings = _in_workspace(read_project(checkout), checkout), twin_settings(checkout, twin.stack)
    _claim(into)
    work, state = into / "work", into / "state"
    for room in (work, state):
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
    (work / _LINK).symlink_to(checkout, target_is_directory=True)
    write_files(work, project, twin.stack, salt=SALT, config=settings)
    document = into / "twin.json"
    document.write_text(json.dumps(twin.body(), indent=2), encoding="utf-8")
    workspace = Workspace(work, apart(into / "home", state, PASSPHRASE))
    StackCli(twin.stack, work, environment=workspace.bare).make(document)
    return workspace


def twin_settings(checkout: Path, stack: str) -> dict[str, Any]:
    """Return the settings of a stack in ``checkout`` as its twin has them. Raises Refused with all that is wrong."""
    file = reader.read(checkout / stack_file(stack))
    faults = [*file.faults]
    if "environment" in file.lines:
        message = "takes settings from a Pulumi ESC environment, which a preview without credentials cannot ask"
        faults.append(Fault("environment", message, "write the settings themselves into the file", file.name))
    if faults:
        raise Refused(f"The settings of {stack} cannot be used with a twin.", faults)
    return with_placeholders(file.config)


def compute(workspace: Workspace, stack: str, providers: Mapping[str, int]) -> dict[str, Any]:
    """Return the plan (see `bulkhead.twin.settled`) that the checkout's program makes of the placeholders.

    The program gets nothing of this process's environment, so it cannot put a real secret where it computes one.
    ``providers`` are the ports of those that compare: the plugins that made the state would recover their own notes
    from it, which are not in a twin. Raises Refused when the program does not come through without.
    """
    environment = {**workspace.bare, **attached(providers, os.environ)}
    return StackCli(stack, workspace.work, environment=environment).saved_plan(workspace.work.parent / "plan.json")


def _in_workspace(project: Mapping[str, Any], checkout: Path) -> dict[str, Any]:
    """Return Pulumi.yaml as it has to be in the work folder: its paths lead into the checkout. Raises Refused without
    the Python that it names."""
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
