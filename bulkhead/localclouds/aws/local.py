"""The local AWS server: moto in a thread of this process, reachable on 127.0.0.1 only."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from moto.server import ThreadedMotoServer

from bulkhead.localclouds.aws import moto_budgets, moto_lambda, moto_logs, moto_s3, moto_scheduler, moto_sns
from bulkhead.localclouds.aws.client import client, forget

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_REGION: Final = "ap-northeast-1"
# By default, moto lets every account into every bucket; AWS does not.
_CROSS_ACCOUNT: Final = "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS"


class LocalAws:
    """A running local AWS: ``endpoint`` is its URL, ``region`` the region of clients that name none.

    moto keeps its state in the process, so two servers in one process serve the same clouds.
    """

    def __init__(self, region: str = DEFAULT_REGION) -> None:
        for extension in (moto_budgets, moto_lambda, moto_logs, moto_s3, moto_scheduler, moto_sns):
            extension.extend()
        # werkzeug logs every request at level INFO, whatever moto's own `verbose` says.
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.region = region
        os.environ[_CROSS_ACCOUNT] = "false"
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        serving: Any = self._server._server
        serving.app = one_at_a_time(serving.app)
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def client(self, account: str, service: str, region: str | None = None) -> Any:
        """Return the boto3 client of ``service`` for an account of this server."""
        return client(self.endpoint, account, region or self.region, service)

    def stop(self) -> None:
        """End the server. Its state stays in this process, and a server that is started later has it again."""
        self._server.stop()
        forget(self.endpoint)


def one_at_a_time(app: WSGIApplication) -> WSGIApplication:
    """Return ``app`` with its requests one after the other. moto's memory is plain dictionaries: a request that lists
    them while another adds to them ends in an error 500 (KMS, ListAliases)."""
    lock = threading.Lock()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with lock:
            return app(environ, start_response)

    return answer
