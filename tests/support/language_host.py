"""A language host in this process, so that the Pulumi CLI itself can run a program where none is installed.

The engine attaches to it instead of starting one (`PULUMI_DEBUG_LANGUAGES`); the CLI, its arguments and what it writes
are the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc

from tests.support.packs import StartsPacks


class _Host(StartsPacks, LanguageServer):
    pass


@contextmanager
def language_host(program: Callable[[], None]) -> Iterator[dict[str, str]]:
    """Serve ``program`` as every Python project's; yield the environment that makes the CLI use it."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(_Host(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {"PULUMI_DEBUG_LANGUAGES": f"python:{port}"}
    finally:
        server.stop(grace=None).wait()
