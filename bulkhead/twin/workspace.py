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
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.engine.stack import Stack
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.project import read_project
from bulkhead.model.settings import reader
from bulkhead.model.settings.paths import stack_file
from bulkhead.twin.state import CIPHERTEXT, PASSPHRASE, SALT, Twin

_MARK: Final = ".bulkhead-twin"  # tells a folder that may be written over from one that somebody needs
_PROJECT: Final = "Pulumi.yaml"
_LINK: Final = "checkout"
# Of Pulumi.yaml: where the state and the settings really are, which must not be asked from here; and which programs
# stand in for plugins, because one could stand in for the policies.
_ELSEWHERE: Final = ("backend", "plugins", "stackConfigDir")
_HOST: Final = "pulumi-language-python"
_ATTACHED_HOSTS: Final = "PULUMI_DEBUG_LANGUAGES"
_ATTACHED_PROVIDERS: Final = "PULUMI_DEBUG_PROVIDERS"
# What a program may know of this process: how to find programs, and which providers and hosts run already.
_INHERITED: Final = (
    "LANG",
    "PATH",
    _ATTACHED_HOSTS,
    _ATTACHED_PROVIDERS,
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
    "TMPDIR",
)
_COMPLAINT_LINES: Final = 12  # of what the CLI said before it failed


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the engine is to run (``work``), and the ``environment`` that keeps it from any other backend."""

    work: Path
    environment: Mapping[str, str]


class ExportedStack(Stack):
    """A stack that is asked for its whole state. Raises Refused when there is no CLI, or when it fails."""

    def export(self) -> dict[str, Any]:
        """Return the state from the backend it lives in, its secrets encrypted."""
        exported: dict[str, Any] = json.loads(self._ask("stack", "export"))
        return exported


def make_workspace(checkout: Path, twin: Twin, into: Path) -> Workspace:
    """Make ``into`` a workspace for ``twin``, or make it anew. Raises Refused with all that is wrong, and for a folder
    that holds anything else."""
    into = into.resolve()
    checkout = checkout.resolve()
    project, settings = _in_workspace(read_project(checkout), checkout), _settings(checkout, twin.stack)
    _claim(into)
    work, state = into / "work", into / "state"
    for room in (work, state):
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
    (work / _LINK).symlink_to(checkout, target_is_directory=True)
    _write(work / _PROJECT, project)
    _write(work / stack_file(twin.stack), {"encryptionsalt": SALT, "config": settings})
    document = into / "twin.json"
    _write(document, twin.body())
    workspace = Workspace(work, _environment(into))
    _pulumi(workspace, "stack", "init", twin.stack, "--secrets-provider", "passphrase")
    _pulumi(workspace, "stack", "import", "--stack", twin.stack, "--file", str(document))
    return workspace


def compute(workspace: Workspace, stack: str, providers: str) -> dict[str, Any]:
    """Return the plan (see `bulkhead.twin.settled`) that the checkout's program makes of the placeholders.

    The program gets nothing of this process's environment, so it cannot put a real secret where it computes one.
    ``providers`` are those that compare (PULUMI_DEBUG_PROVIDERS): the plugins that made the state would recover their
    own notes from it, which are not in a twin. Raises Refused when the program does not come through without.
    """
    require_language_host()
    file = workspace.work.parent / "plan.json"
    arguments = ("preview", "--stack", stack, "--show-secrets", "--save-plan", str(file))
    attached = {
        _ATTACHED_PROVIDERS: _joined(os.environ.get(_ATTACHED_PROVIDERS, ""), providers),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_EXPERIMENTAL": "true",
    }
    _pulumi(workspace, *arguments, **attached)
    plan: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return plan


def require_language_host() -> None:
    """Raise Refused where no program in Python can be run: the engine of `make engine` runs programs of its own process
    only, and without a host it would fail with a riddle."""
    cli = shutil.which("pulumi")
    beside = cli is not None and Path(cli).resolve().with_name(_HOST).exists()
    if cli is not None and not (beside or shutil.which(_HOST) or os.environ.get(_ATTACHED_HOSTS)):
        message = "is neither on PATH nor beside `pulumi`: the engine cannot run a program in Python without it"
        fix = "install Pulumi with its language hosts: https://www.pulumi.com/docs/install/"
        raise Refused("The program cannot be previewed.", [Fault(_HOST, message, fix)])


def bare_environment(workspace: Workspace) -> dict[str, str]:
    """Return all that an engine may be given whose program is not to know anything of this process: no credential of a
    cloud, of GitHub or of a pipeline, and no home of anybody."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    home = {"HOME": str(workspace.work.parent / "home"), "AWS_EC2_METADATA_DISABLED": "true"}
    return {**inherited, **workspace.environment, **home}


def _joined(attached: str, providers: str) -> str:
    """Return both lists of providers (`aws:PORT,github:PORT`) as one; of a package in both, the second one counts."""
    ports = dict(each.split(":", 1) for each in f"{attached},{providers}".split(",") if each)
    return ",".join(f"{package}:{port}" for package, port in ports.items())


def _settings(checkout: Path, stack: str) -> dict[str, Any]:
    file = reader.read(checkout / stack_file(stack))
    faults = [*file.faults]
    if "environment" in file.lines:
        message = "takes settings from a Pulumi ESC environment, which a preview without credentials cannot ask"
        faults.append(Fault("environment", message, "write the settings themselves into the file", file.name))
    if faults:
        raise Refused(f"The settings of {stack} cannot be used with a twin.", faults)
    return {key: _with_placeholders(value) for key, value in file.config.items()}


def _with_placeholders(value: Any) -> Any:
    if value is reader.ENCRYPTED:
        return {"secure": CIPHERTEXT}
    if isinstance(value, dict):
        return {name: _with_placeholders(part) for name, part in value.items()}
    return [_with_placeholders(part) for part in value] if isinstance(value, list) else value


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
                raise Refused("The program cannot be run.", [Fault("runtime", message, "make install", _PROJECT)])
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


def _environment(into: Path) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": (into / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_HOME": str(into / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _pulumi(workspace: Workspace, *arguments: str, **more: str) -> str:
    cli = shutil.which("pulumi")
    if cli is None:
        fix = "install it: https://www.pulumi.com/docs/install/"
        raise Refused("The Pulumi CLI is needed.", [Fault("pulumi", "is not on PATH", fix)])
    answer = subprocess.run(
        [cli, "--non-interactive", "--color", "never", *arguments],
        cwd=workspace.work,
        env={**bare_environment(workspace), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if answer.returncode != 0:
        complaint = "\n".join(_last_lines(f"{answer.stdout}\n{answer.stderr}")) or "it gave no reason"
        fault = Fault(
            f"pulumi {' '.join(arguments[:2])}", complaint, "mend what it says, then run the same command again"
        )
        raise Refused("Pulumi could not do what the twin needs.", [fault])
    return answer.stdout


def _last_lines(text: str) -> Iterator[str]:
    yield from [line for line in text.splitlines() if line.strip()][-_COMPLAINT_LINES:]


def _write(path: Path, content: Mapping[str, Any]) -> None:
    # JSON is YAML in which no scalar can be mistaken for one of another type.
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
