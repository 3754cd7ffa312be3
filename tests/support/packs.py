"""What the language hosts of the tests cannot do themselves: start a policy pack.

The engine asks for it only where it has found Pulumi's own host, on PATH or beside itself; so that one does it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from bulkhead.engine.finder import find_engine


class StartsPacks:
    """A language host that lets Pulumi's own start what is no program."""

    _engine = ""

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        environment = dict(each.split("=", 1) for each in request.env)
        path = os.pathsep.join([str(find_engine().path.parent), environment["PATH"]])
        host = shutil.which("pulumi-language-python", path=path)
        assert host is not None, "the engine found one"
        # A pack without a virtual environment of its own takes the first Python on PATH: that of the tests.
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
        command = [host, self._engine]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                port = process.stdout.readline().strip() if process.stdout else ""
                with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                    running = language_pb2_grpc.LanguageRuntimeStub(channel).RunPlugin(request)
                    context.add_callback(running.cancel)
                    with contextlib.suppress(grpc.RpcError):  # how the engine ends a pack
                        yield from running
            finally:
                os.killpg(process.pid, signal.SIGKILL)  # the pack, too: the host does not end it when it is ended
