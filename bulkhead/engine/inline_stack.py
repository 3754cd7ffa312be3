"""One stack on the real engine, with its program in this process: up, preview, refresh, destroy, and recovery after the
engine was killed. Rehearsals and benchmarks drive their stacks so; commands on a checkout use `StackCli`."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from pulumi.automation import CommandError, EngineEvent

from bulkhead.engine import state
from bulkhead.engine.automation import EngineCommand, language_host, open_stack
from bulkhead.engine.cli import every_of
from bulkhead.engine.environment import PASSPHRASE, apart
from bulkhead.engine.events import OnEvent, OperationEnded, OperationStarted, translate
from bulkhead.engine.finder import Engine
from bulkhead.engine.results import Record, Result
from bulkhead.engine.watched_program import WatchedProgram
from bulkhead.engine.workspace import Cipher, Workspace
from bulkhead.machine.rundir import RunDir
from bulkhead.model.failures import Failed, tail
from bulkhead.model.faults import Refused


class StackFailed(Failed):
    """The engine could not do what it was asked to; ``details`` are its own diagnostics."""


class InlineStack:
    """Drives one stack. Methods of different stacks may run in threads side by side; those of one stack may not.

    ``program`` declares the stage, and runs in this process: Pulumi's word for that is inline. ``environment`` is the
    engine's whole environment (`workspace.engine_environment`). ``on_event`` is called with each event, in another
    thread. ``part`` distinguishes the stacks of one stage in logs and events. ``backend`` is the folder of its state,
    by default the run's.
    """

    def __init__(
        self,
        run: RunDir,
        workspace: Workspace,
        *,
        engine: Engine,
        environment: Mapping[str, str],
        program: Callable[[], None],
        on_event: OnEvent = lambda _: None,
        part: str = "",
        backend: Path | None = None,
    ) -> None:
        self.name = workspace.stack
        self._part = f"{part}-" if part else ""
        self.canaries: Mapping[str, str] = workspace.canaries
        self.workspace = workspace
        self._run = run
        self._backend = backend or run.state
        self._program = WatchedProgram(program)
        self._on_event = on_event
        self._engine = engine
        self._environment = environment
        self._command = EngineCommand(engine, environment)
        self._operations = 0

    def up(
        self,
        *,
        policy_packs: Sequence[Path] = (),
        expect_no_changes: bool = False,
        refresh: bool = False,
        left: Iterable[str] = (),
    ) -> Result:
        """Bring the stage up to what the program says. Raises StackFailed, or Refused when the program raised it.

        ``refresh`` looks at what the clouds really hold first. With ``expect_no_changes`` a change is a failure,
        although it has been made then. Resources of the types, and with the URNs, in ``left`` stay as they are.
        """
        return self._operate(
            "up",
            lambda stack, callbacks: stack.up(
                **callbacks,
                policy_packs=[*map(str, policy_packs)],
                expect_no_changes=expect_no_changes,
                refresh=refresh,
                exclude=[*map(every_of, left)],
            ),
        )

    def preview(
        self, *, policy_packs: Sequence[Path] = (), policy_configs: Sequence[Path] = (), refresh: bool = False
    ) -> Result:
        """Return what `up` would do, without doing it. ``policy_configs`` are files of enforcement levels, one for
        each pack."""
        return self._operate(
            "preview",
            lambda stack, callbacks: stack.preview(
                **callbacks,
                policy_packs=[*map(str, policy_packs)],
                policy_pack_configs=[*map(str, policy_configs)],
                refresh=refresh,
            ),
        )

    def plan(self, import_file: Path) -> dict[str, Any]:
        """Return what an `up` would do, as `StackCli.plan` does: see there."""
        told: list[str] = []

        def act(stack: Any, callbacks: dict[str, Any]) -> None:
            told.append(stack.preview(**callbacks, json=True, import_file=str(import_file)).stdout)

        self._operate("plan", act)
        digest: dict[str, Any] = json.loads(told[0])
        return digest

    def take(self, import_file: Path, *, protect: bool) -> None:
        """Import what ``import_file`` names into the state; no cloud is changed."""
        arguments = ["import", "--file", str(import_file), "--yes", "--skip-preview", "--generate-code=false"]
        with language_host(self._program) as host:  # an import loads one, and asks it for nothing
            command, self._command = self._command, EngineCommand(self._engine, {**self._environment, **host})
            try:
                self._ask("import", [*arguments, f"--protect={str(protect).lower()}", "--stack", self.name])
            finally:
                self._command = command

    def refresh(self, *, preview_only: bool = False) -> Result:
        """Compare the state with what the clouds hold, and take over what they hold unless ``preview_only``."""
        if preview_only:
            return self._operate("refresh-preview", lambda stack, callbacks: stack.preview_refresh(**callbacks))
        return self._operate("refresh", lambda stack, callbacks: stack.refresh(**callbacks))

    def destroy(self, *, skip_preview: bool = True) -> Result:
        """Remove everything the stage consists of.

        Without ``skip_preview`` the engine plans first, and a protected resource stops it before anything is removed.
        With it, everything unprotected is removed and then the engine fails.
        """
        if not skip_preview:
            self._operate("destroy-preview", lambda stack, callbacks: stack.preview_destroy(**callbacks))
        return self._operate("destroy", lambda stack, callbacks: stack.destroy(**callbacks))

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Report no events inside the ``with``, because the operation in it is expected to fail."""
        previous_handler, self._on_event = self._on_event, lambda _: None
        try:
            yield
        finally:
            self._on_event = previous_handler

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secret ones in clear."""
        return state.outputs(self.state_text(), self._decrypt)

    def keep_secret(self, name: str, value: str) -> None:
        """Hand the program a secret that another stack has made; before the first operation."""
        self.workspace.keep_secret(name, value)

    def state_text(self) -> str:
        """Return the state as it lies in the backend, byte for byte; "" before the first operation."""
        path = self._state_path
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def export(self) -> dict[str, Any]:
        """Return the whole state in the form of `pulumi stack export`; secrets are encrypted."""
        return state.exported(self.state_text())

    def elsewhere(
        self,
        part: str,
        workspace: Workspace,
        backend: Path,
        passphrase: str,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> InlineStack:
        """Return a stack of the same program on the same engine and clouds, with another workspace and backend.
        ``environment`` are variables of its own."""
        environment = {**apart(self._run.home, backend, passphrase), **environment}
        return InlineStack(
            self._run,
            workspace,
            engine=self._engine,
            environment={**self._environment, **environment},
            program=self._program.unwatched,
            on_event=self._on_event,
            part=f"{self._part}{part}",
            backend=backend,
        )

    def running(self, program: Callable[[], None]) -> InlineStack:
        """Return the same stack, with the same state, that runs another program: another release of the product."""
        return InlineStack(
            self._run,
            self.workspace,
            engine=self._engine,
            environment=self._environment,
            program=program,
            on_event=self._on_event,
            part=self._part.removesuffix("-"),
            backend=self._backend,
        )

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the state, as the engine writes them down; secrets are encrypted."""
        return state.resources(self.state_text())

    def pending(self) -> list[str]:
        """Return the URNs of the resources whose creation had begun when the engine was killed."""
        return state.pending(self.state_text())

    def interrupt(self) -> None:
        """Ask a running operation to stop at the next step, as Ctrl-C does. It then raises StackFailed."""
        self._command.interrupt()

    def kill(self) -> None:
        """Kill the engine in the middle of an operation. Its lock and interrupted operations stay: see `heal`."""
        self._command.kill()

    def heal(self, id_of: Callable[[str], str | None]) -> None:
        """Make the stack usable again after its engine was killed.

        The engine wrote down which creations it had begun, not whether they happened. ``id_of`` asks the cloud for the
        id of the resource that was made for a URN, or None. Resources that exist are imported into the state, the
        others are dropped from it; a plain `up` would create all of them a second time.

        `pulumi refresh --import-pending-creates` is there for this, but only renames the begun operations, and with a
        file backend the next write drops them (3.250).
        """
        if not self._state_path.exists():
            return
        self._ask("cancel", ["cancel", "--yes", "--stack", self.name])
        if not self.pending():
            return
        healed = self._run.tmp / f"{self.name}-healed.json"
        healed.write_text(json.dumps(state.without_pending_operations(self.export(), id_of)), encoding="utf-8")
        self._ask("import", ["stack", "import", "--file", str(healed), "--stack", self.name])
        healed.unlink()
        self.refresh()  # the outputs, which only the cloud knows

    @property
    def _state_path(self) -> Path:
        return self._backend / ".pulumi" / "stacks" / self.workspace.project / f"{self.name}.json"

    def _open(self) -> Any:
        return open_stack(self.workspace, self._command, self._program, exists=self._state_path.exists())

    def _decrypt(self, salt: str, ciphertext: str) -> str:
        cipher = self.workspace.cipher
        if cipher is None or cipher.salt != salt:  # what a kept rehearsal has left
            cipher = Cipher(self._environment[PASSPHRASE], salt)
        return cipher.decrypt(ciphertext)

    def _operate(self, operation: str, act: Callable[[Any, dict[str, Any]], object]) -> Result:
        operation = f"{self._part}{operation}"
        log = self._next_log(operation)
        record = Record()
        self._program.forget()
        self._on_event(OperationStarted(self.name, operation))
        started = time.monotonic()
        succeeded = False

        def on_engine_event(engine_event: EngineEvent) -> None:
            # unchanged, so that a proof can check whether the engine masked every secret
            events.write(f"{engine_event!r}\n")
            record.add_engine_event(engine_event)
            for event in translate(self.name, engine_event):
                record.add(event)
                self._on_event(event)

        try:
            with log.open("w", encoding="utf-8") as file, _events_of(log).open("w", encoding="utf-8") as events:
                try:
                    act(self._open(), {"on_event": on_engine_event, **_written_to(file)})
                    succeeded = True
                except CommandError as error:
                    raise self._failure(operation, record, error, file, log) from self._program.error
        finally:
            self._program.close_loop()
            seconds = time.monotonic() - started
            self._on_event(OperationEnded(self.name, operation, succeeded, seconds))
        return record.result(self.name, operation, seconds, log)

    def _failure(
        self, operation: str, record: Record, error: CommandError, file: TextIO, log: Path
    ) -> StackFailed | Refused:
        if isinstance(self._program.error, Refused):
            return self._program.error
        if self._program.error is not None:
            file.writelines(traceback.format_exception(self._program.error))
        file.flush()
        details = record.complaints() or tail(log)
        return StackFailed(f"{self.name}: {operation} failed.", details or str(error).splitlines(), log)

    def _ask(self, what: str, arguments: list[str]) -> str:
        """Run a CLI command that is no operation, and return its standard output."""
        log = self._next_log(f"{self._part}{what}")
        with log.open("w", encoding="utf-8") as file:
            try:
                # Standard output may hold secrets that were asked for; only complaints go to the log.
                callbacks = {"on_error": _written_to(file)["on_error"]}
                return self._command.run(arguments, str(self.workspace.path), {}, **callbacks).stdout
            except CommandError as error:
                file.flush()
                raise StackFailed(f"{self.name}: {what} failed.", tail(log) or str(error).splitlines(), log) from None

    def _next_log(self, operation: str) -> Path:
        self._operations += 1
        return self._run.logs / f"{self.name}-{self._operations:02d}-{operation}.log"


def _written_to(file: TextIO) -> dict[str, Any]:
    """Return the options that write all of the engine's output into a log. The engine masks secrets itself; nothing is
    removed here, so that a proof can find a secret that was not masked."""

    def write(line: str) -> None:
        file.write(f"{line}\n")

    return {"on_output": write, "on_error": write, "suppress_progress": True}


def _events_of(log: Path) -> Path:
    return log.with_suffix(".events")
