"""The Pulumi CLI, asked about one stack: its state, its secrets, what an `up` would do, what is to be done.

No value is ever in an argument. What the CLI says when it fails is shown as it is, because it blinds the stack's
secrets itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage

_NO_STACK: Final = "no stack named"  # how the CLI begins to say that its backend has none of that name
_COMPLAINT_LINES: Final = 12  # of what the CLI said before it failed
# Where credentials win over a named profile, in the order of the AWS SDKs.
_BEFORE_PROFILE: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class State:
    """A stack's state, in the engine's own shape: what there is, and ``begun``: the operations whose end it has not
    heard of, because something ended it first."""

    resources: list[dict[str, Any]]
    begun: list[dict[str, Any]]


class Stack:
    """One stack of the project in ``folder``. With a ``profile``, the CLI and its providers use that AWS profile; with
    a ``backend``, the state in that place, whatever the CLI is logged in to.

    Every method raises Refused when there is no CLI, or when it fails.
    """

    def __init__(self, name: str, folder: Path, profile: str | None = None, backend: str | None = None) -> None:
        self.name = name
        self._folder = folder
        self._environment = _environment(profile) | ({"PULUMI_BACKEND_URL": backend} if backend else {})

    def state(self) -> State:
        """Return what the engine wrote down about the stack; secrets stay encrypted."""
        deployment = json.loads(self._ask("stack", "export"))["deployment"] or {}
        return State(deployment.get("resources") or [], deployment.get("pending_operations") or [])

    def secret(self, name: str) -> str:
        """Return a secret of the stack's configuration in clear. Never to be printed."""
        return self._ask("config", "get", f"secrets:{name}").rstrip("\n")

    def store_secret(self, name: str, value: str) -> None:
        """Encrypt a secret into the stack's configuration. The CLI reads the value from its standard input."""
        self._ask("config", "set", "--secret", f"secrets:{name}", given=value)

    def destroy(self, say: Say) -> None:
        """Destroy what the stack consists of; ``say`` is told what the CLI says, line by line."""
        self._run(["destroy", "--yes"], say)

    def plan(self, import_file: Path) -> dict[str, Any]:
        """Return what an `up` would do, as `pulumi preview --json` has it; write what it would create into
        ``import_file``, in the form that `pulumi import` reads. The file holds the providers' credentials, encrypted.
        """
        digest: dict[str, Any] = json.loads(self._ask("preview", "--json", "--import-file", str(import_file)))
        return digest

    def take(self, import_file: Path, *, protect: bool) -> None:
        """Take what ``import_file`` names into the state; no cloud is changed."""
        protected = f"--protect={str(protect).lower()}"
        arguments = ["import", "--file", str(import_file), "--yes", "--skip-preview", "--generate-code=false"]
        self._run([*arguments, protected], lambda _line: None)

    def _ask(self, *arguments: str, given: str = "") -> str:
        command = self._command(arguments)
        answer = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if answer.returncode != 0:
            raise self._failed(arguments[0], [*_diagnostics(answer.stdout), *answer.stderr.splitlines()])
        return answer.stdout

    def _run(self, arguments: list[str], say: Say) -> None:
        """Run a command to its end. A Ctrl-C reaches the CLI as well, which then stops after the step it is at."""
        heard: deque[str] = deque(maxlen=_COMPLAINT_LINES)
        interrupted = False
        with subprocess.Popen(
            self._command(arguments),
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            while True:
                try:
                    for line in process.stdout or ():
                        heard.append(line.rstrip())
                        say(line.rstrip())
                    break
                except KeyboardInterrupt:
                    interrupted = True
        if interrupted:
            raise KeyboardInterrupt
        if process.returncode != 0:
            raise self._failed(arguments[0], list(heard))

    def _command(self, arguments: list[str] | tuple[str, ...]) -> list[str]:
        cli = shutil.which("pulumi")
        if cli is None:
            fix = "install it: https://www.pulumi.com/docs/install/"
            raise Refused("The Pulumi CLI is needed.", [Fault("pulumi", "is not on PATH", fix)])
        return [cli, "--non-interactive", "--color", "never", *arguments, "--stack", self.name]

    def _failed(self, command: str, said: list[str]) -> Refused:
        complaint = "\n".join(line for line in said if line.strip()) or "it gave no reason"
        fix = "mend what it says, then run the same command again"
        if _NO_STACK in complaint:
            made_by = f"bulkhead bootstrap {self.name}" if self.name in set(Stage) else f"pulumi stack init {self.name}"
            fix = f"select where its state is (PULUMI_BACKEND_URL); where there is no such stack yet: {made_by}"
        fault = Fault(f"pulumi {command} --stack {self.name}", complaint, fix)
        return Refused(f"Pulumi could not do what {self.name} needs.", [fault])


def _environment(profile: str | None) -> dict[str, str]:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    if profile is not None:
        environment = {name: value for name, value in environment.items() if name not in _BEFORE_PROFILE}
        environment["AWS_PROFILE"] = profile
    return environment


def _diagnostics(text: str) -> Iterator[str]:
    """Yield the errors in what `preview --json` wrote; anything else has said them on standard error."""
    try:
        digest = json.loads(text)
    except ValueError:
        return
    if isinstance(digest, Mapping):
        for diagnostic in digest.get("diagnostics") or ():
            if diagnostic.get("severity") == "error":
                yield str(diagnostic.get("message", "")).strip()
