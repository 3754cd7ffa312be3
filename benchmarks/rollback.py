"""How long people still get a bad version after somebody has typed `bulkhead rollback`, without what the API takes."""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.children import timed
from benchmarks.harness import Benchmark, Samples, Way
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.failures import Failed
from bulkhead.model.project import ROOT

ALONE: Final = "from the command to the last request of the bad version, without the API's part"
API: Final = "of it besides: the local API's part"
PROCESSOR: Final = "processor time of the command"
_ACCOUNT: Final = "2" * 32
_TOKEN: Final = "a-token"  # noqa: S105 - of the local Cloudflare
_CODE: Final = "export default {{ fetch: () => new Response('{}') }}"
_WAIT: Final = 10.0  # seconds until the bad version must have come up
# As a shell starts it: Python, imports and settings are a part of what people wait for.
_COMMAND: Final = """
import os
from pathlib import Path
from bulkhead.model import project
project.ROOT = Path({checkout!r})
from bulkhead.cli.main import main
from bulkhead.clients.endpoints import CLOUDFLARE, Apis
os.environ["THE_TOKEN"] = {token!r}
arguments = ["rollback", "staging", "--token-env", "THE_TOKEN", "--yes", "staging"]
assert main(arguments, Apis(cloudflare=CLOUDFLARE.at({url!r}))) == 0
"""


class Watched:
    """An application that knows for how many ``seconds`` it had something to answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = 0
        self._since = 0.0
        self.seconds = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._since = self._since if self._open else time.monotonic()
        self._open += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open -= 1
            self.seconds += 0.0 if self._open else time.monotonic() - self._since


class Visitor:
    """Asks again and again, and remembers when it last got the bad answer."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self.last_bad = 0.0
        self.good = False
        self._thread.start()

    def _visit(self) -> None:
        while not self._ended.is_set():
            if self._ask() == "bad":
                self.last_bad, self.good = time.monotonic(), False
            else:
                self.good = True

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@contextmanager
def ways() -> Iterator[Sequence[Way]]:
    """Raises Failed when the bad version is not there to begin with, or still there at the end."""
    from tests.support.cloudflare_api import open_api  # noqa: PLC0415 (imports the SDKs' types)
    from tests.support.released import Released  # noqa: PLC0415
    from tests.support.settings_fixture import write_stage_files  # noqa: PLC0415

    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        cloud = ending.enter_context(LocalCloudflare("staging", folder / "cloud", ROOT, str(folder)))
        tenant = Tenant("staging", _ACCOUNT, {}, "acme/harbor", {"cloudflare": {_TOKEN: "somebody"}})
        api = open_api(folder, tenant, running=cloud)
        ending.callback(api.journal.close)
        ending.callback(api.resources.store.close)
        watched = Watched(api.app)
        server = ApiServer(watched)
        ending.callback(server.stop)
        client = ending.enter_context(Rest(CLOUDFLARE.at(f"{server.url}{PREFIX}"), _TOKEN))
        released = Released(api, client, _ACCOUNT)
        write_stage_files(folder, ["staging"])
        command = _COMMAND.format(checkout=str(folder), token=_TOKEN, url=f"{server.url}{PREFIX}")
        numbers = itertools.count()

        def ask() -> str:
            return str(cloud.client.fetch(released.script("web"), "/").text)

        def gone_back() -> Samples:
            number = next(numbers)
            for answer in ("good", "bad"):
                released.release(f"{answer}{number}", "web", code=_CODE.format(answer))
            visitor = Visitor(ask)
            try:
                _until(lambda: visitor.last_bad > 0)
                started, before = time.monotonic(), watched.seconds
                once = timed(command)
                _until(lambda: visitor.good)
            finally:
                visitor.end()
            api_s = watched.seconds - before
            alone = max(0.0, visitor.last_bad - started - api_s)
            return {ALONE: alone, API: api_s, PROCESSOR: once.processor}

        yield [gone_back]


def _until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT
    while not seen():
        if time.monotonic() > deadline:
            raise Failed("a Worker does not answer as the deployment says", [])
        time.sleep(0.005)


BENCHMARK: Final = Benchmark(ways, rounds=5, limits={ALONE: 3.0})
