"""A token goes to the vendor, to whom the caller names, and never in the clear over a network."""

from __future__ import annotations

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB, Api, Apis
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Refused


def test_unless_somebody_says_otherwise_it_is_the_vendors_own() -> None:
    assert (Apis().cloudflare.base, Apis().github.base) == (
        "https://api.cloudflare.com/client/v4",
        "https://api.github.com",
    )


PASSWORD = "hunter2"


@pytest.mark.parametrize(
    "base",
    [
        "https://github.harbor.example/api/v3",
        "https://github.harbor.example:8443/api/v3/",
        "http://127.0.0.1:8787/client/v4",
        "http://127.1.2.3",
        "http://[::1]:8787/client/v4",
        "http://localhost:8787",
    ],
)
def test_an_encrypted_place_or_this_machine_may_be_given(base: str) -> None:
    api = GITHUB.at(base)
    assert (api.name, api.base) == ("GitHub", base.rstrip("/"))


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("http://api.cloudflare.com/client/v4", "is not encrypted"),
        ("HTTP://API.CLOUDFLARE.COM", "is not encrypted"),
        ("http://10.0.0.8:8787", "is not encrypted"),
        ("http://127.0.0.1.evil.example", "is not encrypted"),
        ("http://localhost.evil.example", "is not encrypted"),
        ("http://0.0.0.0:8787", "is not encrypted"),
        ("http://127.0.0.1@evil.example", "is no URL of an API"),
        ("http://evil.example\\@127.0.0.1", "is no URL of an API"),
        (f"https://user:{PASSWORD}@api.github.com", "is no URL of an API"),
        ("https://api.github.com?to=hunter2", "is no URL of an API"),
        ("https://api.github.com#here", "is no URL of an API"),
        ("https://api.github.com/api v3", "is no URL of an API"),
        ("https://api.github.com\n", "is no URL of an API"),
        ("api.github.com", "is no URL of an API"),
        ("ftp://127.0.0.1", "is no URL of an API"),
        ("", "is no URL of an API"),
    ],
)
def test_no_token_is_sent_elsewhere(base: str, why: str) -> None:
    with pytest.raises(Refused, match=f"No token is sent to GitHub there(.|\n)*{why}") as refused:
        Api("GitHub", base)
    assert "hunter2" not in str(refused.value)


def test_the_environment_points_nobody_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_BASE_URL", "GITHUB_API_URL", "GITHUB_BASE_URL", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"success": True, "result": None})

    for api in (CLOUDFLARE, Apis().cloudflare, Apis().github):
        Rest(api, "t", httpx.MockTransport(answer)).get("/x")
    assert asked == ["https://api.cloudflare.com/client/v4/x"] * 2 + ["https://api.github.com/x"]
