"""How commands speak: to a person at a terminal, into a pipe, or as JSON to a program.

Results go to standard output. With ``--json`` that is one JSON document and nothing else, and everything meant for
people goes to standard error. Colours and moving lines appear only where a terminal shows them (NO_COLOR is obeyed).
Nothing that is printed is read as markup, so that ``[secret]`` and ``[tag]`` appear as they are.
"""

from __future__ import annotations

import json as jsonlib
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any, Final

from rich.console import Console as Rich
from rich.table import Table
from rich.text import Text

from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.visible import visible as shown

GOOD: Final = "green"
BAD: Final = "bold red"
WARNING: Final = "yellow"
FAINT: Final = "dim"
NEEDS_A_PERSON: Final = 3
"""The exit code of a stage that stays as it is until a person does something."""
_UNLIMITED: Final = 100_000
# What a runner of GitHub Actions takes for a command to it: `::add-mask::` at the beginning of a line, `##[add-mask]`
# anywhere in one (actions/runner, src/Runner.Common/ActionCommand.cs).
_COMMAND: Final = re.compile(r"(?m)^(\s*):(?=:)|(?<=#)#(?=\[)")


class Console:
    """Where one command writes. ``json`` chooses who reads standard output: a program (True) or a person."""

    def __init__(
        self,
        *,
        json: bool = False,
        stdin: IO[str] | None = None,
        stdout: IO[str] | None = None,
        stderr: IO[str] | None = None,
    ) -> None:
        self.json = json
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout
        # soft_wrap: a line in a pipe or a narrow terminal stays one line, so that commands in it can be copied.
        self.people = Rich(
            file=(stderr or sys.stderr) if json else self._stdout, markup=False, highlight=False, soft_wrap=True
        )
        self._errors = Rich(file=stderr or sys.stderr, markup=False, highlight=False, soft_wrap=True)

    @property
    def live(self) -> bool:
        """Whether lines that move can be shown to a person."""
        return self.people.is_terminal and not self.people.is_dumb_terminal

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        return self._stdin.isatty() and self.people.is_terminal

    def say(self, text: str = "", style: str = "") -> None:
        """Tell a person something."""
        self.people.print(visible(text, style))

    def warn(self, text: str) -> None:
        """Tell a person something that went well enough, but should not stay so; always on standard error."""
        self._errors.print(visible(f"warning: {text}", WARNING))

    def result(self, document: Any) -> None:
        """Give a program its one JSON document; a person, who was told in words, nothing."""
        if self.json:
            text = jsonlib.dumps(document, indent=2, ensure_ascii=False)
            if _on_a_runner():
                text = text.replace("##[", "#\\u0023[")
            # Half a character, as the name of a file can hold one, is an escape in JSON as well.
            self._stdout.write(text.encode(errors="backslashreplace").decode() + "\n")
            self._stdout.flush()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
        """Show rows to a person; in a pipe as well, with columns as wide as their content."""
        table = Table(
            *columns, title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold"
        )
        for row in rows:
            table.add_row(*(visible(cell) for cell in row))
        if self.people.is_terminal:
            self.people.print(table, soft_wrap=False)
        else:  # a pipe has no width, and a table cut off at 80 columns would be useless to `grep`
            Rich(file=self.people.file, width=_UNLIMITED).print(table)

    def faults(self, refused: Refused) -> None:
        """Say what a person has to mend: all of it, each with where it is and what mends it."""
        self._errors.print(visible(refused.summary, BAD))
        for fault in refused.faults:
            self._fault(fault)
        self.result(
            {
                "error": refused.summary,
                "faults": [{"file": f.file, "key": f.key, "message": f.message, "fix": f.fix} for f in refused.faults],
            }
        )

    def error(self, error: Refused | Failed) -> None:
        """Say why a command did not do what it was asked to."""
        if isinstance(error, Refused):
            self.faults(error)
        else:
            self.failure(error)

    def failure(self, failed: Failed) -> None:
        """Say that a part of the machinery failed, in its own words, and where everything it said can be read."""
        self._errors.print(visible(failed.summary, BAD))
        for detail in failed.details:
            self._errors.print(visible(_indented(detail)))
        if failed.log:
            self._errors.print(visible(f"  log: {failed.log}", FAINT))
        log = str(failed.log) if failed.log else None
        self.result({"error": failed.summary, "details": list(failed.details), "log": log})

    def interrupted(self) -> None:
        """Say that a person has ended this."""
        self._errors.print(visible("Interrupted.", WARNING))

    def crash(self, message: str, log: str) -> None:
        """Say that this program has a fault, without a page of traceback."""
        self._errors.print(visible(f"bulkhead has a fault of its own: {message}", BAD))
        self._errors.print(visible(f"  details: {log}\n  with BULKHEAD_DEBUG=1 (or --debug) they appear here", FAINT))
        self.result({"error": message, "details": [], "log": log})

    def require_meant(self, stage: str, yes_for: str | None, *, act: str = "destroy") -> None:
        """Raise Refused where ``--yes`` names another stage: no cloud need be asked for that."""
        if yes_for not in {None, stage}:
            message = f"confirms {yes_for!r}, but this would {act} {stage!r}"
            raise Refused("Nothing was done.", [Fault("--yes", message, f"--yes {stage}")])

    def confirm(
        self, stage: str, what: Sequence[str], yes_for: str | None, *, act: str = "destroy", fate: str = "lost"
    ) -> None:
        """Return when somebody who knows what will become of ``what`` has said yes; raise Refused otherwise.

        The rule of every command that acts on a stage as a whole: at a terminal the stage's name is to be typed;
        elsewhere, or to skip the question, ``--yes STAGE`` must name that very stage (``yes_for``), so that a command
        copied from the history cannot hit another one. ``act`` is what the command does to the stage, ``fate`` what it
        does to ``what``.
        """
        self.require_meant(stage, yes_for, act=act)
        if yes_for is not None:
            return
        if not self.interactive:
            message = f"is missing: nobody is here to be asked, and {'; '.join(what)} would be {fate}"
            raise Refused("Nothing was done.", [Fault("--yes", message, f"--yes {stage}")])
        self.say(f"This {act}s, in {stage}:", WARNING)
        for one in what:
            self.say(f"  - {one}")
        if self.ask(f"Type {stage} to go on: ") != stage:
            raise Refused("Nothing was done: the stage's name was not typed.")

    def ask(self, question: str) -> str:
        """Return what the person types, without the spaces around it."""
        self.people.print(visible(question, "bold"), end="")
        return self._stdin.readline().strip()

    def _fault(self, fault: Fault) -> None:
        place = ": ".join(part for part in (fault.file, fault.key) if part)
        self._errors.print(
            visible("  - "), visible(f"{place}: " if place else "", "bold"), visible(fault.message), sep=""
        )
        if fault.fix:
            self._errors.print(visible(f"      fix: {fault.fix}", GOOD))


def wants_json(arguments: Sequence[str]) -> bool:
    """Say whether a command line asks for JSON, before anything has parsed it: errors must know that too."""
    return "--json" in arguments[: arguments.index("--")] if "--" in arguments else "--json" in arguments


def wants_debug(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether tracebacks are wanted: ``--debug`` before the command, or BULKHEAD_DEBUG set to anything."""
    return bool(environ.get("BULKHEAD_DEBUG")) or (bool(arguments) and arguments[0] == "--debug")


def visible(text: str, style: str = "") -> Text:
    """Return what is to be printed. Names of resources and messages of a change come from whoever proposes it."""
    seen = shown(text)
    return Text(_COMMAND.sub(_escaped, seen) if _on_a_runner() else seen, style)


def _on_a_runner() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _escaped(found: re.Match[str]) -> str:
    return f"{found[1] or ''}\\x{ord(found[0][-1]):x}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
