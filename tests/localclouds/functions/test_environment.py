"""A function sees what Lambda would show it, and is ended as Lambda would end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from bulkhead.localclouds.functions.api import Call
from bulkhead.localclouds.functions.environment import Ran, Task, run
from bulkhead.model.failures import Failed
from bulkhead.model.project import ROOT
from tests.support.functions import zipped

pytestmark = pytest.mark.slow


def ran(folder: Path, body: str, *, memory: int = 256, seconds: float = 20, event: Any = None, **files: str) -> Ran:
    variables = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13", "AWS_REGION": "ap-northeast-1", "OWN": "a value"}
    call = Call("request-1", "arn:aws:lambda:x:1:function:job", json.dumps(event).encode(), seconds)
    return run(Task("job.handler", zipped(body, **files), memory, variables), call, folder)


def answer(result: Ran) -> Any:
    return json.loads(result.answer.payload)


def test_a_function_gets_its_event_its_context_and_its_variables(tmp_path: Path) -> None:
    body = """
        import os
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            print("a line")
            about = [context.aws_request_id, context.invoked_function_arn, 15000 < left <= 20000]
            return [event, *about, os.environ["OWN"]]
    """
    result = ran(tmp_path, body, event={"a": 1})
    assert answer(result) == [{"a": 1}, "request-1", "arn:aws:lambda:x:1:function:job", True, "a value"]
    assert result.answer.error == ""
    assert result.lines == ("a line",)
    assert 5 < result.peak < 100


def test_a_function_sees_its_own_files_and_what_lambda_provides_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "owner")
    monkeypatch.setenv("GITHUB_TOKEN", "owner")
    body = """
        import importlib, os, sys
        import beside
        def handler(event, context):
            def there(name):
                try:
                    importlib.import_module(name)
                except ImportError:
                    return False
                return True
            owners = [name for name in os.environ if os.environ[name] == "owner"]
            return {name: there(name) for name in event} | {"beside": beside.WHAT, "owners": owners}
    """
    absent = ["bulkhead", "jobs", "infra", "moto", "pulumi", "pydantic", "cryptography", "tests"]
    result = answer(ran(tmp_path, body, event=["boto3", "sqlite3", *absent], beside="WHAT = 'mine'"))
    assert result == {"boto3": True, "sqlite3": True, **dict.fromkeys(absent, False), "beside": "mine", "owners": []}


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("def handler(event, context): raise ValueError('no such thing')", "ValueError", "no such thing"),
        ("def handler(event, context): return object()", "Runtime.MarshalError", "Unable to marshal"),
        ("def other(event, context): pass", "Runtime.HandlerNotFound", "handler"),
        ("import absent", "Runtime.ImportModuleError", "absent"),
        ("def handler(event, context)", "Runtime.UserCodeSyntaxError", "Syntax"),
        ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError", "exit status 3"),
        (
            "import os, signal\ndef handler(event, context): os.kill(os.getpid(), signal.SIGSEGV)",
            "Runtime.ExitError",
            "SIGSEGV",
        ),
    ],
)
def test_a_failure_is_told_as_lambda_tells_it(tmp_path: Path, body: str, kind: str, said: str) -> None:
    result = ran(tmp_path, body)
    assert result.answer.error
    assert answer(result)["errorType"] == kind
    assert said in answer(result)["errorMessage"]


def test_a_function_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    body = """
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        def handler(event, context):
            print(child.pid)
            time.sleep(60)
    """
    result = ran(tmp_path, body, seconds=1)
    assert answer(result)["errorType"] == "Sandbox.Timedout"
    assert "after 1.00 seconds" in answer(result)["errorMessage"]
    assert 1 <= result.seconds < 5
    assert _gone(int(result.lines[0]))


def test_a_function_that_uses_too_much_memory_is_killed(tmp_path: Path) -> None:
    grows = "def handler(event, context):\n    return len([bytes(1 << 20) + b'x' for _ in range(400)])"
    result = ran(tmp_path, grows, memory=128)
    assert answer(result)["errorType"] == "Runtime.OutOfMemory"
    assert result.peak > 128


def test_what_was_too_much_for_a_moment_alone_counts_as_well(tmp_path: Path) -> None:
    result = ran(tmp_path, "def handler(event, context):\n    return len(b'x' * (200 << 20))", memory=128)
    assert answer(result)["errorType"] == "Runtime.OutOfMemory"


def test_threads_are_no_memory(tmp_path: Path) -> None:
    body = """
        import time
        from concurrent.futures import ThreadPoolExecutor
        import boto3
        def handler(event, context):
            boto3.client("s3")
            with ThreadPoolExecutor(20) as pool:
                return sum(pool.map(lambda number: time.sleep(0.1) or len(b"x" * 100_000), range(40)))
    """
    assert answer(ran(tmp_path, body, memory=128)) == 4_000_000


def test_a_function_ends_with_whoever_started_it_however_that_ends(tmp_path: Path) -> None:
    body = "import os, time\ndef handler(event, context):\n    print(os.getpid(), flush=True)\n    time.sleep(60)"
    code = tmp_path / "code.zip"
    code.write_bytes(zipped(body))
    program = f"""
from pathlib import Path
from bulkhead.localclouds.functions.api import Call
from bulkhead.localclouds.functions.environment import Task, run
run(Task("job.handler", Path({str(code)!r}).read_bytes(), 256, {{}}), Call("r", "a", b"1", 60), Path({str(tmp_path)!r}))
"""
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    try:
        lines, deadline = tmp_path / "lines", time.monotonic() + 20
        while not (lines.exists() and lines.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        child = int(lines.read_text())
        assert not _gone(child, seconds=0)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert _gone(child)


def test_a_machine_without_aws_s_runtime_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Failed, match="cannot be run on this machine"):
        ran(tmp_path, "def handler(event, context): pass")


def _gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            ended = True
        if ended or time.monotonic() >= deadline:
            return ended
        time.sleep(0.02)
