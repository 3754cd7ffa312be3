"""Runs the Pulumi CLI on PATH: for its output, line by line, or as a stream of events.

No value is ever in an argument. When the CLI fails, its own message is shown unchanged, because it masks the stack's
secrets itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from bulkhead.engine.environment import ATTACHED_HOSTS
from bulkhead.machine.spool import Spool
from bulkhead.model.failures import last_lines
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage

_PROGRAM: Final = "pulumi"
_HOST: Final = "pulumi-language-python"
_INSTALL: Final = "https://www.pulumi.com/docs/install/"
_NO_STACK: Final = "no stack named"  # the start of the CLI's message when its backend has no such stack
_REMEMBERED: Final = 100  # lines of output that are kept for an error's message
_MOST: Final = 256 * 1024 * 1024  # characters; a preview of 57 resources takes half a million

OnLine = Callable[[str], None]
OnProgress = Callable[[int], None]  # called with the number of lines so far


@dataclass(frozen=True, slots=True)
class Output:
    """The result of a command whose output counts even when it fails: the lines of its standard output, whether the
    CLI failed, and its error message."""

    lines: Spool
    failed: bool
    complaint: str


def executable() -> str:
    """Return the CLI that is on PATH. Raises Refused when there is none."""
    found = shutil.which(_PROGRAM)
    if found is None:
        raise Refused("The Pulumi CLI is needed.", [Fault(_PROGRAM, "is not on PATH", f"install it: {_INSTALL}")])
    return found


def command_line(program: str, arguments: Iterable[str]) -> list[str]:
    """Return the command line that starts an engine without prompts and with plain text output."""
    return [program, "--non-interactive", "--color", "never", *arguments]


def every_of(type_: str) -> str:
    """Return the pattern of the URNs of all resources of a type, as `--exclude` and `--target` take it; of a URN, the
    URN itself."""
    return type_ if type_.startswith("urn:") else f"**{type_}::**"


def require_language_host() -> None:
    """Raise Refused when the CLI cannot run a program in Python: an engine that `make engine` built has no language
    host, and its own error message does not say so."""
    beside = Path(executable()).resolve().with_name(_HOST)
    if not (beside.exists() or shutil.which(_HOST) or os.environ.get(ATTACHED_HOSTS)):
        message = "is neither on PATH nor beside `pulumi`: the engine cannot run a program in Python without it"
        fix = f"install Pulumi with its language hosts: {_INSTALL}"
        raise Refused("The program cannot be previewed.", [Fault(_HOST, message, fix)])


@dataclass(frozen=True, slots=True)
class PulumiCli:
    """The CLI, run in ``folder`` for one ``stack``; ``environment`` is its whole environment. Every method raises
    Refused when there is none, or when it fails."""

    stack: str
    folder: Path
    environment: Mapping[str, str]

    def ask(self, *arguments: str, given: str = "") -> str:
        """Return the standard output of a command; ``given`` is its standard input."""
        answer = subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if answer.returncode != 0:
            raise self._failed(arguments, [*_diagnostics(answer.stdout), *last_lines(answer.stderr.splitlines())])
        return answer.stdout

    def follow(self, *arguments: str, on_line: OnLine) -> None:
        """Run a command to its end; ``on_line`` is called with each line of its output. A Ctrl-C reaches the CLI as
        well, which then stops after its current step."""
        recent_lines: deque[str] = deque(maxlen=_REMEMBERED)
        interrupted = False
        with subprocess.Popen(
            self._command(arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            while True:
                try:
                    for line in process.stdout or ():
                        recent_lines.append(line.rstrip())
                        on_line(line.rstrip())
                    break
                except KeyboardInterrupt:
                    interrupted = True
        if interrupted:
            raise KeyboardInterrupt
        if process.returncode != 0:
            raise self._failed(arguments, last_lines(recent_lines))

    def stream(self, *arguments: str, on_progress: OnProgress, added: Mapping[str, str]) -> Output:
        """Return the output of a command, even of one that fails. ``added`` extends the environment. Raises Refused
        when there is no output at all, or no end of it."""
        lines, count = Spool(), 0
        characters_left = _MOST
        with (
            tempfile.TemporaryFile() as complaints,  # a second pipe could fill up while the first one is read
            subprocess.Popen(
                self._command(arguments),
                cwd=self.folder,
                env={**self.environment, **added},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            for line in process.stdout or ():
                lines.write(line)
                on_progress(count := count + 1)
                characters_left -= len(line)
                if characters_left < 0:
                    process.kill()
                    raise self._failed(arguments, [f"it wrote more than {_MOST:,} characters and was ended"])
            process.wait()
            complaints.seek(0)
            complained = last_lines(complaints.read().decode(errors="replace").splitlines())
        if lines.blank:
            raise self._failed(arguments, complained)
        return Output(lines, process.returncode != 0, "\n".join(complained))

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return [*command_line(executable(), arguments), "--stack", self.stack]

    def _failed(self, arguments: Sequence[str], output: Iterable[str]) -> Refused:
        complaint = "\n".join(output) or "it gave no reason"
        fix = "mend what it says, then run the same command again"
        if _NO_STACK in complaint:
            known = self.stack in set(Stage)
            made_by = f"bulkhead bootstrap {self.stack}" if known else f"pulumi stack init {self.stack}"
            fix = f"select where its state is (PULUMI_BACKEND_URL); where there is no such stack yet: {made_by}"
        verb = " ".join(takewhile(lambda argument: not argument.startswith("-"), arguments))
        fault = Fault(f"{_PROGRAM} {verb} --stack {self.stack}", complaint, fix)
        return Refused(f"Pulumi could not do what {self.stack} needs.", [fault])


def _diagnostics(text: str) -> Iterator[str]:
    """Yield the errors in the output of `preview --json`; every other command writes them to standard error."""
    try:
        digest = json.loads(text)
    except ValueError:
        return
    if isinstance(digest, Mapping):
        for diagnostic in digest.get("diagnostics") or ():
            if diagnostic.get("severity") == "error":
                yield str(diagnostic.get("message", "")).strip()
