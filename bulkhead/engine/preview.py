"""The engine, asked what an `up` would do: the CLI's own preview of the root project, as a stream of events."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from bulkhead.engine.stack import Stack
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings.paths import SECRETS
from bulkhead.twin.workspace import Workspace, bare_environment

PACK: Final = "policies"
# The same rules, about a product that was written down: see bulkhead/preview/proposed.py.
TWIN_PACK: Final = "bulkhead/preview/pack"
_STREAMING: Final = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
_COMPLAINT_LINES: Final = 12
_MOST: Final = 256 * 1024 * 1024  # characters; a stage of 57 resources takes half a million


@dataclass(frozen=True, slots=True)
class Said:
    """What a preview wrote: events, or the digest of an engine that does not stream; and whether the CLI failed."""

    text: str
    failed: bool
    complaint: str


class PreviewedStack(Stack):
    """A stack that is asked for previews only. Every method raises Refused when there is no CLI."""

    _pack = PACK

    def preview(self, hear: Callable[[int], None] = lambda _: None) -> Said:
        """Return what the engine says of an `up`, the policies asked. ``hear`` is told how many lines it has written.

        Raises Refused when it says nothing at all, when it does not stop, or when the pack cannot start: the CLI would
        wait for it for ever.
        """
        _refuse_pack_without_python(self._folder, self._pack)
        command = self._command(["preview", "--json", "--policy-pack", self._pack])
        lines: list[str] = []
        room = _MOST
        with (
            tempfile.TemporaryFile() as complaints,  # a second pipe could fill up while the first one is read
            subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment | _STREAMING,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            for line in process.stdout or ():
                lines.append(line)
                hear(len(lines))
                room -= len(line)
                if room < 0:
                    process.kill()
                    raise self._failed("preview", [f"it wrote more than {_MOST:,} characters and was ended"])
            process.wait()
            complaints.seek(0)
            complained = complaints.read().decode(errors="replace").splitlines()[-_COMPLAINT_LINES:]
        if not "".join(lines).strip():
            raise self._failed("preview", complained)
        return Said("".join(lines), process.returncode != 0, "\n".join(complained))

    def secrets(self) -> Mapping[str, str]:
        """Return the values of the stack's secrets, by name (`githubToken`; the place in it where one has several).
        Never to be printed. Raises Refused when they cannot be decrypted."""
        answer = self._ask("config", "--show-secrets", "--json")
        try:
            config = json.loads(answer)
            found = {key: told for key, told in config.items() if told.get("secret")}
        except (ValueError, AttributeError):
            message = "did not answer with the stack's configuration"
            raise Refused("The secrets' values could not be had.", [Fault("pulumi config", message)]) from None
        return {name: value for key, told in found.items() for name, value in _values(key, told)}


class TwinStack(PreviewedStack):
    """The twin of a stack, previewed in its workspace by the policies of ``rules``, a checkout of ours. The program has
    nothing of this process's environment; ``environment`` is added to the little that it has."""

    def __init__(self, name: str, workspace: Workspace, rules: Path, environment: Mapping[str, str]) -> None:
        super().__init__(name, workspace.work)
        self._pack = str(rules / TWIN_PACK)
        self._environment = {**bare_environment(workspace), **environment}


def _values(key: str, told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = key.removeprefix(f"{SECRETS}:")
    if "objectValue" in told:
        yield from _texts(name, told["objectValue"])
    elif isinstance(told.get("value"), str):
        yield name, told["value"]


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{name}.{key}", item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(f"{name}[{place}]", item)
    elif isinstance(value, str):
        yield name, value


def _refuse_pack_without_python(folder: Path, pack: str) -> None:
    """The CLI waits for a pack whose virtual environment is missing without a word (3.250)."""
    file = f"{pack}/PulumiPolicy.yaml"
    project = YAML(typ="safe", pure=True).load((folder / file).read_text(encoding="utf-8"))
    options = project["runtime"].get("options", {}) if isinstance(project.get("runtime"), dict) else {}
    python = folder / pack / options["virtualenv"] if "virtualenv" in options else None
    if python is not None and not python.exists():
        message = f"names a virtual environment that is not there: {options['virtualenv']}"
        raise Refused("The policies cannot be asked.", [Fault("runtime", message, "make install", file)])
