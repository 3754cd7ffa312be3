from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bulkhead.localclouds.api.server import ApiServer

pytestmark = pytest.mark.slow

APP = Starlette(routes=[Route("/", lambda _request: PlainTextResponse("here"))])


def test_a_server_answers_on_this_machine_alone_until_it_is_stopped() -> None:
    server, other = ApiServer(APP), ApiServer(APP)
    try:
        assert urlsplit(server.url).hostname == "127.0.0.1"
        assert server.url != other.url
        assert [httpx.get(one.url, trust_env=False).text for one in (server, other)] == ["here", "here"]
    finally:
        server.stop()
        other.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, trust_env=False)
