"""What a call of a local cloud takes: another process reads a database over HTTP, by the client that commands use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.children import timed
from benchmarks.harness import Benchmark, Samples, Way
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX

CALL: Final = "a call of the local Cloudflare"
_CALLS: Final = 200  # six times that are still less than the rate limit, which the local Cloudflare keeps


@contextmanager
def ways() -> Iterator[Sequence[Way]]:
    """Raises Failed when the local Cloudflare does not answer."""
    from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api  # noqa: PLC0415 (imports the SDKs' types)

    with ExitStack() as ending:
        opened = open_api(Path(ending.enter_context(tempfile.TemporaryDirectory())))
        ending.callback(opened.journal.close)
        ending.callback(opened.resources.store.close)
        server = ApiServer(opened.app)
        ending.callback(server.stop)
        databases = f"/accounts/{ACCOUNT}/d1/database"
        path = f"{databases}/{opened.result('POST', databases, {'name': 'main'})['uuid']}"
        client = f"api = Rest(CLOUDFLARE.at({f'{server.url}{PREFIX}'!r}), {TOKEN!r})\napi.get({path!r})"
        imports = "from bulkhead.clients.endpoints import CLOUDFLARE\nfrom bulkhead.clients.rest import Rest"

        def called() -> Samples:
            calls = f"for _ in range({_CALLS}):\n    assert api.get({path!r})"
            return {CALL: timed(calls, before=f"{imports}\n{client}").said["seconds"] / _CALLS}

        yield [called]


BENCHMARK: Final = Benchmark(ways, rounds=5, limits={CALL: 0.001})
