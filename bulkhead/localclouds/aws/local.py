"""The local AWS server: moto in a thread of this process, reachable on 127.0.0.1 only, and what runs its functions."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs

from moto.server import ThreadedMotoServer

from bulkhead.localclouds.aws import (
    moto_budgets,
    moto_judge,
    moto_lambda,
    moto_logs,
    moto_s3,
    moto_scheduler,
    moto_sns,
    moto_sqs,
)
from bulkhead.localclouds.aws.client import client, forget
from bulkhead.localclouds.functions.functions import Functions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_REGION: Final = "ap-northeast-1"
# By default, moto lets every account into every bucket; AWS does not.
_CROSS_ACCOUNT: Final = "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"
_EXTENSIONS: Final = (moto_budgets, moto_judge, moto_lambda, moto_logs, moto_s3, moto_scheduler, moto_sns, moto_sqs)
INVOCATIONS: Final = "/rehearsal/invocations"
"""Where it is told, as JSON, which functions ran after the invocation number ``after``, once none runs any more."""


class LocalAws:
    """A running local AWS: ``endpoint`` is its URL, ``region`` the region of clients that name none, ``functions`` what
    runs its functions. Functions that run have their files in ``folder``.

    moto keeps its state in the process, so two servers in one process serve the same clouds; the later one runs their
    functions.
    """

    def __init__(self, region: str = DEFAULT_REGION, folder: Path | None = None) -> None:
        for extension in _EXTENSIONS:
            extension.extend()
        # werkzeug logs every request at level INFO, whatever moto's own `verbose` says.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.region = region
        os.environ[_CROSS_ACCOUNT] = "false"
        self._lock = threading.Lock()
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self.functions = Functions(self.endpoint, self.client, folder)
        serving: Any = self._server._server
        serving.app = one_at_a_time(serving.app, self._lock, {INVOCATIONS: waiting_for(self.functions)})
        moto_lambda.attach(self.functions, self._unlocked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def client(self, account: str, service: str, region: str | None = None) -> Any:
        """Return the boto3 client of ``service`` for an account of this server."""
        return client(self.endpoint, account, region or self.region, service)

    def stop(self) -> None:
        """End the server. Its state stays in this process, and a server that is started later has it again."""
        moto_lambda.detach(self.functions)
        self.functions.close()
        self._server.stop()
        forget(self.endpoint)

    @contextmanager
    def _unlocked(self) -> Iterator[None]:
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


def one_at_a_time(
    app: WSGIApplication, lock: threading.Lock | None = None, apart: Mapping[str, WSGIApplication] | None = None
) -> WSGIApplication:
    """Return ``app`` with its requests one after the other, but for the paths that are ``apart``. moto's memory is
    plain dictionaries: a request that lists them while another adds to them ends in an error 500 (KMS, ListAliases)."""
    lock, others = lock or threading.Lock(), apart or {}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if other := others.get(environ.get("PATH_INFO", "")):
            return other(environ, start_response)
        with lock:
            return app(environ, start_response)

    return answer


def waiting_for(functions: Functions) -> WSGIApplication:
    """Return what answers at INVOCATIONS, which is no part of AWS."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        (after,) = parse_qs(environ["QUERY_STRING"]).get("after", ["0"])
        found = [each.document() for each in functions.invocations(int(after))]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(found).encode()]

    return answer
