"""One environment of Lambda: a process that runs a function's own .zip file, once, and is ended.

It sees what a function sees: the standard library, AWS's own runtime and boto3, its files, its variables and its role's
credentials; nothing of this checkout. Lambda would keep it for the next invocation; each one here is a cold start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Final

from bulkhead.localclouds.functions.api import Answer, Call, RuntimeApi
from bulkhead.machine.environment import MARK, child_environment
from bulkhead.model.failures import Failed

# What Lambda's Python has beside its standard library.
_PROVIDED: Final = (
    *("awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "runtime_client"),
    *("s3transfer", "simplejson", "six", "snapshot_restore_py", "urllib3"),
)
_LOOK_EVERY: Final = 0.02  # seconds
_BEGINNING: Final = 60.0  # seconds until a function must ask for its event; AWS gives ten, on a machine of its own
_MEBIBYTE: Final = 1 << 20
# An address space is more than memory: each thread reserves a stack and 128 MiB for malloc. What counts is the memory
# in use, which is looked at while a function runs; this stops only what wants too much at once, and lets threads be.
_HEADROOM: Final = 4096  # MiB
# Ends with whoever started it, however that came about: then its standard input ends.
_LAUNCHED: Final = """\
import os, resource, runpy, sys, threading
def alone():
    while os.read(0, 1):
        pass
    os._exit(1)
threading.Thread(target=alone, daemon=True).start()
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
del sys.argv[2]
runpy.run_module("awslambdaric", run_name="__main__")
"""


@dataclass(frozen=True, slots=True)
class Task:
    """A function as it is to run. ``memory`` is in MiB, ``variables`` are all of its environment."""

    handler: str
    code: bytes
    memory: int
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of an invocation: the answer, what was written, the seconds it took and the most MiB in use."""

    answer: Answer
    lines: tuple[str, ...]
    seconds: float
    peak: int


def unable() -> str:
    """Return why functions cannot be run on this machine, empty where they can."""
    if sys.platform.startswith("linux") and find_spec("awslambdaric") is not None:
        return ""
    return "AWS's runtime, awslambdaric, has no wheel for this machine; on Linux it has, and CI runs there"


def run(task: Task, call: Call, folder: Path, stop: threading.Event | None = None) -> Ran:
    """Run a function once, in an empty ``folder``, until it has answered or ``stop`` is set. Raises Failed where this
    machine cannot."""
    if reason := unable():
        raise Failed("Functions cannot be run on this machine.", [reason])
    code, home, lines = folder / "task", folder / "tmp", folder / "lines"
    home.mkdir()
    with zipfile.ZipFile(BytesIO(task.code)) as archive:
        archive.extractall(code)
    with RuntimeApi(call) as api, lines.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", _LAUNCHED, task.handler, str((task.memory + _HEADROOM) * _MEBIBYTE)],
            cwd=code,
            env=_environment(task, api.address, code, home, _provided(folder / "runtime")),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            answer, seconds, peak = _followed(process, task, call, api, stop or threading.Event())
        finally:
            _end(process)
    written = lines.read_text(encoding="utf-8", errors="replace")
    return Ran(answer, tuple(written.splitlines()), seconds, peak)


def _followed(
    process: subprocess.Popen[bytes], task: Task, call: Call, api: RuntimeApi, stop: threading.Event
) -> tuple[Answer, float, int]:
    started, peak = time.monotonic(), 0
    answer = None
    while answer is None:
        answer = api.wait(_LOOK_EVERY)
        peak = max(peak, _peak(process.pid))
        if peak > task.memory:  # also after an answer: Lambda would have killed it before
            answer = _died(call, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
        elif stop.is_set():
            answer = answer or _died(call, "Sandbox.Stopped", "the local AWS ends")
        elif answer is None:
            answer = _ended(process, call, api, started)
    return answer, round(time.monotonic() - (api.begun or started), 3), peak


def _ended(process: subprocess.Popen[bytes], call: Call, api: RuntimeApi, started: float) -> Answer | None:
    """Return what Lambda answers for a function that is gone or too late, None while it is neither."""
    if process.poll() is not None:
        code = process.returncode
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return api.wait(0) or _died(call, "Runtime.ExitError", f"Runtime exited with error: {how}")
    now = time.monotonic()
    if api.begun is None:
        late = now - started > _BEGINNING
        return _died(call, "Sandbox.Timedout", f"Init timed out after {_BEGINNING:.2f} seconds") if late else None
    if now - api.begun > call.seconds:
        return _died(call, "Sandbox.Timedout", f"Task timed out after {call.seconds:.2f} seconds")
    return None


def _died(call: Call, kind: str, how: str) -> Answer:
    told = {"errorType": kind, "errorMessage": f"RequestId: {call.request} Error: {how}"}
    return Answer(json.dumps(told).encode(), kind)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the function and whatever it started: they are a session of their own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()


def _peak(pid: int) -> int:
    """Return the most memory that a process has had in use, in MiB, 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    kibibytes = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), "0")
    return int(kibibytes) // 1024


def _environment(task: Task, api: str, code: Path, home: Path, provided: Path) -> dict[str, str]:
    return {
        **child_environment(str(home), os.environ.get(MARK), {"PATH": os.environ.get("PATH", os.defpath)}),
        **task.variables,
        "AWS_LAMBDA_RUNTIME_API": api,
        "LAMBDA_RUNTIME_DIR": str(provided),
        "LAMBDA_TASK_ROOT": str(code),
        "LANG": "en_US.UTF-8",
        "PYTHONPATH": str(provided),
        "TMPDIR": str(home),
        "TZ": ":UTC",
        "_HANDLER": task.handler,
    }


def _provided(folder: Path) -> Path:
    """Make a folder that holds what Lambda provides and nothing else that is installed here."""
    folder.mkdir()
    for name in _PROVIDED:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise Failed(f"{name} is not installed.", ["fix: make install"])
        place = Path(spec.origin)
        place = place.parent if spec.submodule_search_locations else place
        (folder / place.name).symlink_to(place)
    return folder
