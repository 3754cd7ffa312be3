"""A language host that runs programs as they lie in their folders, each in a process of its own, as Pulumi's own does.

The CLI attaches to it (`PULUMI_DEBUG_LANGUAGES`), so a test can let it run what a pull request might bring: programs
that print, end early, or crash.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2, language_pb2_grpc, plugin_pb2

from tests.support.packs import StartsPacks

_RUN = """
import asyncio, json, os, runpy, sys
import pulumi.runtime

told = json.loads(sys.argv.pop())
pulumi.runtime.set_all_config(told["config"], told["secret_keys"])
pulumi.runtime.configure(pulumi.runtime.Settings(**told["settings"]))
sys.path[0] = os.getcwd()
sys.argv = ["."]
try:
    program = pulumi.runtime.run_in_stack(lambda: runpy.run_path(".", run_name="__main__"))
    asyncio.new_event_loop().run_until_complete(program)
except pulumi.RunError as error:
    pulumi.log.error(str(error))
    sys.exit(1)
"""


class _Host(StartsPacks, language_pb2_grpc.LanguageRuntimeServicer):
    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:  # noqa: N802
        return language_pb2.GetRequiredPackagesResponse()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return Empty()

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        settings = {
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "monitor": request.monitor_address,
            "engine": self._engine,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
        }
        told = {"settings": settings, "config": dict(request.config), "secret_keys": list(request.configSecretKeys)}
        done = subprocess.run(
            [sys.executable, "-u", "-c", _RUN, json.dumps(told)],
            cwd=request.info.program_directory,
            env={"PATH": os.environ["PATH"], "PULUMI_CONFIG": json.dumps(dict(request.config))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        with grpc.insecure_channel(self._engine) as channel:
            engine = engine_pb2_grpc.EngineStub(channel)
            for severity, text in ((engine_pb2.INFO, done.stdout), (engine_pb2.ERROR, done.stderr)):
                if text.strip():
                    engine.Log(engine_pb2.LogRequest(severity=severity, message=text))
        failed = f"the program ended with {done.returncode}" if done.returncode else ""
        return language_pb2.RunResponse(error=failed)


@contextmanager
def program_host() -> Iterator[dict[str, str]]:
    """Serve; yield the environment that makes the CLI use it for every project in Python."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(_Host(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {"PULUMI_DEBUG_LANGUAGES": f"python:{port}"}
    finally:
        server.stop(grace=None).wait()
