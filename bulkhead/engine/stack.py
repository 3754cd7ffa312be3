"""One stack through the Pulumi CLI: its state, its secrets, previews, and the changes that commands make."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulkhead.engine.analyzer import require_python_of
from bulkhead.engine.cli import OnLine, OnProgress, Output, PulumiCli, every_of, require_language_host
from bulkhead.engine.environment import SAVING_PLANS, STREAMING, inherited
from bulkhead.engine.state import warning_of
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings.paths import SECRETS


@dataclass(frozen=True, slots=True)
class State:
    """A stack's state, in the engine's own shape: its resources, and ``begun``, the operations that were
    interrupted."""

    resources: list[dict[str, Any]]
    begun: list[dict[str, Any]]


class StackCli:
    """One stack of the project in ``folder``; the CLI starts the project's program itself. With a ``profile``, the CLI
    and its providers use that AWS profile; with a ``backend``, it uses the state there, whatever the CLI is logged in
    to. An ``environment`` is the CLI's whole environment.

    Every method raises Refused when there is no CLI, or when it fails.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        profile: str | None = None,
        backend: str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._cli = PulumiCli(name, folder, inherited(profile, backend) if environment is None else environment)

    def export(self) -> dict[str, Any]:
        """Return the whole state from the backend it lives in, its secrets encrypted."""
        exported: dict[str, Any] = json.loads(self._cli.ask("stack", "export"))
        return exported

    def state(self) -> State:
        """Return the stack's resources and interrupted operations; secrets stay encrypted."""
        deployment = self.export()["deployment"] or {}
        return State(deployment.get("resources") or [], deployment.get("pending_operations") or [])

    def secret(self, name: str) -> str:
        """Return a secret of the stack's configuration in clear. Never to be printed."""
        return self._cli.ask("config", "get", f"{SECRETS}:{name}").rstrip("\n")

    def secrets(self) -> Mapping[str, str]:
        """Return the values of the stack's secrets, by name (`githubToken`; with a path if a secret has several
        values). Never to be printed. Raises Refused when they cannot be decrypted."""
        answer = self._cli.ask("config", "--show-secrets", "--json")
        try:
            config = json.loads(answer)
            found = {key: entry for key, entry in config.items() if entry.get("secret")}
        except (ValueError, AttributeError):
            message = "did not answer with the stack's configuration"
            raise Refused("The secrets' values could not be had.", [Fault("pulumi config", message)]) from None
        return {name: value for key, entry in found.items() for name, value in _values(key, entry)}

    def store_secret(self, name: str, value: str) -> None:
        """Encrypt a secret into the stack's configuration. The CLI reads the value from its standard input."""
        self._cli.ask("config", "set", "--secret", f"{SECRETS}:{name}", given=value)

    def preview(
        self,
        pack: str,
        on_progress: OnProgress = lambda _: None,
        begun: Sequence[Mapping[str, Any]] | None = None,
    ) -> Output:
        """Return the engine's preview of an `up`, with the policies in the folder ``pack``: events, or the digest of
        an engine that does not stream. Creations that an earlier `up` had ``begun`` when it was cut off, by default
        those in the state, are told as the engine tells them before an `up`: at its end, as an event.

        Raises Refused when there is no output at all, or no end of it, or when the pack cannot start: the CLI would
        wait for it for ever.
        """
        require_python_of(self._cli.folder, pack)
        command = ("preview", "--json", "--policy-pack", pack)
        output = self._cli.stream(*command, on_progress=on_progress, added=STREAMING)
        warning = warning_of(self.state().begun if begun is None else begun)
        if warning is not None and next(iter(output.lines)).strip() == "{":
            message = "holds creations that were cut off, and this engine writes a digest, which cannot say so"
            raise Refused("No preview tells what an up would do.", [Fault(self.name, message, settling(self.name))])
        if warning is not None:
            output.lines.write(f"\n{json.dumps(warning)}\n")
        return output

    def plan(self, import_file: Path) -> dict[str, Any]:
        """Return what an `up` would do, as `pulumi preview --json` has it; write what it would create into
        ``import_file``, in the form that `pulumi import` reads. The file holds the providers' credentials, encrypted.
        """
        digest: dict[str, Any] = json.loads(self._cli.ask("preview", "--json", "--import-file", str(import_file)))
        return digest

    def saved_plan(self, file: Path) -> dict[str, Any]:
        """Return the update plan that `preview --save-plan` writes into ``file``, secrets in clear. Raises Refused
        when the CLI cannot run a program in Python."""
        require_language_host()
        cli = PulumiCli(self.name, self._cli.folder, {**self._cli.environment, **SAVING_PLANS})
        cli.follow("preview", "--show-secrets", "--save-plan", str(file), on_line=lambda _line: None)
        plan: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return plan

    def make(self, state_file: Path) -> None:
        """Make the stack, its secrets under the passphrase of the environment, and fill it with an exported state."""
        self._cli.ask("stack", "init", "--secrets-provider", "passphrase")
        self._cli.ask("stack", "import", "--file", str(state_file))

    def put(self, exported: Mapping[str, Any]) -> None:
        """Replace the whole state by an exported one, its secrets encrypted."""
        self._cli.ask("stack", "import", given=json.dumps(exported))

    def refresh(self, urns: Sequence[str]) -> None:
        """Ask the clouds what these resources are now, and write it into the state."""
        targets = [argument for urn in urns for argument in ("--target", urn)]
        self._cli.follow("refresh", "--yes", "--skip-preview", *targets, on_line=lambda _line: None)

    def take(self, import_file: Path, *, protect: bool) -> None:
        """Import the resources that ``import_file`` names into the state; no cloud is changed."""
        protected = f"--protect={str(protect).lower()}"
        arguments = ["import", "--file", str(import_file), "--yes", "--skip-preview", "--generate-code=false"]
        self._cli.follow(*arguments, protected, on_line=lambda _line: None)

    def up(self, pack: str, on_line: OnLine, left: Iterable[str] = ()) -> None:
        """Bring the stage up to what its program says, judged by the policies in the folder ``pack``; ``on_line`` is
        called with each line of the CLI's output. Resources of the types, and with the URNs, in ``left`` stay as they
        are."""
        require_python_of(self._cli.folder, pack)
        excluded = [argument for type_ in left for argument in ("--exclude", every_of(type_))]
        self._cli.follow("up", "--yes", "--skip-preview", "--policy-pack", pack, *excluded, on_line=on_line)

    def cancel(self) -> None:
        """Take away the lock of an operation that was cut off. Whoever calls this knows that none runs."""
        self._cli.ask("cancel", "--yes")

    def destroy(self, on_line: OnLine) -> None:
        """Destroy all resources of the stack; ``on_line`` is called with each line of the CLI's output."""
        self._cli.follow("destroy", "--yes", on_line=on_line)


def settling(stack: str) -> str:
    """Return the command that settles creations that were cut off."""
    return f"bulkhead settle {stack}"


def _values(key: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = key.removeprefix(f"{SECRETS}:")
    if "objectValue" in entry:
        yield from _texts(name, entry["objectValue"])
    elif isinstance(entry.get("value"), str):
        yield name, entry["value"]


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{name}.{key}", item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(f"{name}[{place}]", item)
    elif isinstance(value, str):
        yield name, value
