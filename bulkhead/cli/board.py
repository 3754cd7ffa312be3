"""Progress of several stages side by side: lines that move at a terminal, plain lines anywhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console, visible
from bulkhead.engine.events import (
    Diagnostic,
    Event,
    OperationEnded,
    OperationStarted,
    PolicySpoke,
    ResourceDone,
    ResourceFailed,
    ResourceStarted,
)

_QUIET_ACTIONS: Final = frozenset({"same", "read", "refresh"})
_WORDS: Final = {
    "up": "bringing up",
    "preview": "previewing",
    "refresh": "looking at the clouds",
    "refresh-preview": "looking at the clouds",
    "destroy": "removing",
    "destroy-preview": "planning the removal",
    "twin-preview": "previewing on its redacted twin",
    "identities-twin-preview": "previewing its identities on their redacted twin",
    "identities-up": "bringing up its identities",
    "identities-preview": "previewing its identities",
    "identities-refresh": "looking at its identities",
    "identities-destroy": "removing its identities",
    "identities-destroy-preview": "planning the removal of its identities",
}


@dataclass
class _Line:
    """What is known of one stage."""

    stage: str
    doing: str = "waiting"
    style: str = FAINT
    busy: bool = False
    started: float = 0.0
    seconds: float | None = None
    done: int = 0
    latest: str = ""
    spinner: Spinner = field(default_factory=lambda: Spinner("dots"))


class Board:
    """A context manager that shows one line per stage. Its methods may be called from any thread.

    ``on_event`` takes what the engine reports; ``step`` and ``done`` are for everything else a stage goes through.
    """

    def __init__(self, console: Console, stages: Iterable[str]) -> None:
        self._console = console
        self._lines = {stage: _Line(stage) for stage in stages}
        self._lock = threading.RLock()
        self._live = Live(get_renderable=self._render, console=console.people, transient=False, refresh_per_second=8)

    def __enter__(self) -> Self:
        if self._console.live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines.values():
            if line.busy:  # whatever ended the block ended this too
                self._set(line, f"{line.doing}: interrupted", BAD, busy=False)
        self._live.stop()

    def step(self, stage: str, doing: str) -> None:
        """Say what a stage is busy with now."""
        with self._lock:
            line = self._lines[stage]
            line.started, line.seconds, line.done, line.latest = time.monotonic(), None, 0, ""
            self._set(line, doing, "", busy=True)

    def done(self, stage: str, what: str, *, succeeded: bool = True) -> None:
        """Say how it ended."""
        with self._lock:
            line = self._lines[stage]
            line.seconds = time.monotonic() - line.started if line.started else 0.0
            self._set(line, what, GOOD if succeeded else BAD, busy=False)

    def note(self, text: str, style: str = "") -> None:
        """Print a line that stays, above the moving ones."""
        self._console.say(text, style)

    def on_event(self, event: Event) -> None:
        """Show an event of the engine."""
        with self._lock:
            match event:
                case OperationStarted(stage, operation):
                    self.step(stage, _WORDS.get(operation, operation))
                case OperationEnded(stage, operation, succeeded):
                    line = self._lines[stage]
                    count = f", {line.done} resource{'s' * (line.done != 1)}" if line.done else ""
                    word = _WORDS.get(operation, operation)
                    self.done(stage, f"{word}: {'done' if succeeded else 'failed'}{count}", succeeded=succeeded)
                case ResourceStarted(stage, action, _, name) if action not in _QUIET_ACTIONS:
                    self._lines[stage].latest = f"{action} {name}"
                case ResourceDone(stage, action) if action not in _QUIET_ACTIONS:
                    self._lines[stage].done += 1
                case ResourceFailed(stage, action, type_, name):
                    self.note(f"{stage}: could not {action} {name} ({type_})", BAD)
                case Diagnostic(stage, "warning", message):
                    self.note(f"{stage}: {message}", WARNING)
                case PolicySpoke(stage, level, policy, message):
                    self.note(f"{stage}: {level} policy {policy}: {message}", WARNING)

    def _set(self, line: _Line, doing: str, style: str, *, busy: bool) -> None:
        line.doing, line.style, line.busy = doing, style, busy
        if not self._console.live:
            seconds = "" if line.seconds is None else f" ({line.seconds:.1f} s)"
            self._console.say(f"{line.stage}: {doing}{seconds}")

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        with self._lock:
            for line in self._lines.values():
                seconds = line.seconds
                if line.busy:
                    seconds = time.monotonic() - line.started
                mark = line.spinner if line.busy else Text({GOOD: "✓", BAD: "✗"}.get(line.style, "·"), line.style)
                text = Text(line.doing, line.style)
                if line.busy and line.done:
                    text.append(f" ({line.done} done)")
                clock = Text("" if seconds is None else f"{seconds:5.1f} s", FAINT)
                table.add_row(
                    mark, Text(line.stage, "bold"), text, clock, visible(line.latest if line.busy else "", FAINT)
                )
        return table
