"""Pulumi's Automation API without two of its habits that no option turns off.

It merges this process's environment into the engine's, and it asks the CLI three more times after every operation
(outputs twice, history once). Each of those costs half a second, because the engine derives the key of the secrets
anew each time; nothing here needs the answers.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import grpc
import pulumi
from pulumi.automation import (
    CommandResult,
    LocalWorkspace,
    OnOutput,
    OutputMap,
    PulumiCommand,
    PulumiFn,
    Stack,
    UpdateSummary,
)
from pulumi.automation._server import LanguageServer
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import create_command_error
from pulumi.runtime.proto import language_pb2, language_pb2_grpc
from semver import VersionInfo

from bulkhead.engine.cli import command_line
from bulkhead.engine.environment import ATTACHED_HOSTS
from bulkhead.engine.finder import Engine
from bulkhead.engine.workspace import Workspace

# When the engine is killed, the SDK's calls to it fail, and it shows each failure with a traceback on standard error.
# The result of the operation says what happened.
logging.getLogger("grpc._server").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", "Error in event stream", UserWarning)

_SDK: Final = f"{Path(pulumi.__file__).parent}{os.sep}"
_default_unraisable_hook = sys.unraisablehook


def _hide_abandoned_coroutines(unraisable: sys.UnraisableHookArgs) -> None:
    """Hide the errors of the SDK's own coroutines that are collected unfinished.

    When one stage fails, the engines of the others are ended, and for each of them the SDK leaves its program's
    coroutine (`run_pulumi_func`, `run_in_stack`) unfinished. Python throws it away, and it still tries to wait for its
    calls, without an event loop: "Exception ignored in: <coroutine object run_in_stack>", with a traceback, between
    the lines of the command.
    """
    abandoned = inspect.iscoroutine(unraisable.object) and unraisable.object.cr_code.co_filename.startswith(_SDK)
    if not (abandoned and isinstance(unraisable.exc_value, RuntimeError)):
        _default_unraisable_hook(unraisable)


sys.unraisablehook = _hide_abandoned_coroutines
# The SDK sends debug messages to the engine even without --debug, where the engine drops them: 2,000 calls in the
# rehearsal of one stage, and the program waits for each.
pulumi.log.debug = lambda *_, **__: None

# Settings of the engine that the SDK adds to each of its calls.
_FROM_THE_SDK: Final = ("PULUMI_DEBUG_COMMANDS",)


_GRACE: Final = 10.0  # seconds between asking the engine to stop and killing it


class _Host(LanguageServer):
    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer an engine that attaches to it, which the SDK's own server cannot."""
        return language_pb2.LanguageHandshakeResponse()


@contextlib.contextmanager
def language_host(program: PulumiFn) -> Iterator[dict[str, str]]:
    """Serve ``program`` in this process as every Python project's; yield the variables by which an engine uses it."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(_Host(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {ATTACHED_HOSTS: f"python:{port}"}
    finally:
        server.stop(grace=None).wait()


class EngineCommand(PulumiCommand):
    """Runs the engine in a session of its own, so that Ctrl-C in a terminal reaches only the process that waits for
    it, and with exactly the environment it was given.

    An engine that we fetched or built gets its folder first on PATH: it prefers a language host on PATH to the one
    beside it, whatever its version (3.250, `workspace/plugins.go`).
    """

    def __init__(self, engine: Engine, environment: Mapping[str, str]) -> None:
        # Not the base class's: it would run `pulumi version` to learn what the engine finder knows already.
        self.command = str(engine.path)
        self.version = VersionInfo.parse(engine.version)
        path = environment.get("PATH", os.defpath)
        own = {} if engine.origin == "path" else {"PATH": f"{engine.path.parent}{os.pathsep}{path}"}
        self._environment = {**environment, **own}
        self._running: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run one command to its end. Raises CommandError (of the SDK) when it fails."""
        added = {name: additional_env[name] for name in _FROM_THE_SDK if name in additional_env}
        with subprocess.Popen(
            command_line(self.command, args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=self._environment | added,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as process:
            self._running = process
            try:
                errors: list[str] = []
                reader = threading.Thread(target=_collect, args=(process.stderr, errors, on_error))
                reader.start()
                output: list[str] = []
                _collect(process.stdout, output, on_output)
                reader.join()
                code = process.wait()
            except BaseException:  # Ctrl-C in this thread: the engine, in its own session, did not receive it
                self.interrupt()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE)
                self.kill()
                raise
            finally:
                self._running = None
        if code < 0:
            _add_line(errors, f"the engine was ended by {signal.Signals(-code).name}", on_error)
        result = CommandResult(stdout="\n".join(output), stderr="\n".join(errors), code=code)
        if code != 0:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Ask the running command to stop after the step it is at; does nothing when none runs."""
        self._send(signal.SIGINT)

    def kill(self) -> None:
        """Kill the running command; does nothing when none runs."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        process = self._running
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)


class _Stack(Stack):
    """A stack that runs no CLI command beyond the operation itself."""

    def outputs(self) -> OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:
        return UpdateSummary("", datetime.min, "", {}, {}, "", datetime.min)


class _Workspace(LocalWorkspace):
    """A workspace that knows whether its stack exists, so `stack select` need not be run to find out."""

    def select_stack(self, stack_name: str) -> None:
        pass


def open_stack(workspace: Workspace, command: EngineCommand, program: PulumiFn, *, exists: bool) -> Stack:
    """Return the stack of ``workspace``, made by one call of the CLI when it does not exist yet."""
    local = _Workspace(work_dir=str(workspace.path), program=program, pulumi_command=command)
    return _Stack(workspace.stack, local, StackInitMode.SELECT if exists else StackInitMode.CREATE)


def _collect(stream: IO[str] | None, lines: list[str], on_line: Callable[[str], Any] | None) -> None:
    for line in stream or ():
        _add_line(lines, line.rstrip(), on_line)


def _add_line(lines: list[str], line: str, on_line: Callable[[str], Any] | None) -> None:
    lines.append(line)
    if on_line is not None:
        on_line(line)
