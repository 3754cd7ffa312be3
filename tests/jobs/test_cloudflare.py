"""What the jobs' client of Cloudflare does when Cloudflare does not what it should."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from jobs.cloudflare import Cloudflare, CloudflareFailed
from tests.support.scripted_http import Asked, Said, refusal, result, served

TOKEN = "a-token-that-nobody-may-see"


@dataclass
class Scene:
    said: list[Said | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    tokens: list[str] = field(default_factory=lambda: [TOKEN])

    def answer(self, asked: Asked) -> Said | None:
        self.asked.append(asked)
        return self.said.pop(0)

    def token(self) -> str:
        return self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]


Opened = Callable[..., tuple[Cloudflare, Scene]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    with ExitStack() as ending:

        def open_(*said: Said | None, tokens: tuple[str, ...] = (TOKEN,)) -> tuple[Cloudflare, Scene]:
            scene = Scene(list(said), tokens=list(tokens))
            url = ending.enter_context(served(scene.answer))
            client = Cloudflare(f"{url}/client/v4", "acc", scene.token, scene.slept.append)
            ending.callback(client.close)
            return client, scene

        yield open_


def test_one_connection_serves_many_requests(opened: Opened) -> None:
    api, scene = opened(result(1), result(2))
    assert [api.get("/d1/database"), api.get("/d1/database", name="a b")] == [1, 2]
    assert scene.asked[1].path == "/client/v4/accounts/acc/d1/database?name=a+b"
    assert scene.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "passing",
    [
        None,
        Said(502, b"<html>"),
        Said(500, b""),
        Said(524, b""),
        refusal(429, 971, "slow"),
        result("x" * 99)._replace(cut=50),
    ],
    ids=["dropped", "502", "500", "524", "limited", "half"],
)
def test_a_read_is_repeated_when_that_may_help(passing: Said | None, opened: Opened) -> None:
    api, scene = opened(passing, passing, result("there"))
    assert api.get("/d1/database") == "there"
    assert scene.slept == [0.5, 1.0]


def test_cloudflare_says_how_long_to_wait(opened: Opened) -> None:
    api, scene = opened(refusal(429, 971, "slow", Retry_After="7"), result(1))
    assert api.get("/x") == 1
    assert scene.slept == [7.0]


def test_nobody_waits_longer_than_a_minute(opened: Opened) -> None:
    api, scene = opened(refusal(429, 971, "slow", Retry_After="3600"))
    with pytest.raises(CloudflareFailed, match="429 slow"):
        api.get("/x")
    assert scene.slept == []


@pytest.mark.parametrize("passing", [None, Said(502, b"")], ids=["dropped", "502"])
def test_a_write_that_may_have_been_done_is_not_done_twice(passing: Said | None, opened: Opened) -> None:
    api, scene = opened(passing, result(1))
    with pytest.raises(CloudflareFailed):
        api.post("/x", {})
    assert len(scene.asked) == 1


def test_what_never_gets_better_ends_with_what_was_said(opened: Opened) -> None:
    api, scene = opened(*[Said(503, b"")] * 5)
    with pytest.raises(CloudflareFailed, match="GET /d1/database: 503") as failed:
        api.get("/d1/database")
    assert failed.value.status == 503
    assert len(scene.asked) == 5


def test_a_token_that_was_rotated_meanwhile_is_read_anew(opened: Opened) -> None:
    api, scene = opened(result(1), refusal(401, 10000, "Authentication error"), result(2), tokens=("old", "new"))
    assert [api.get("/x"), api.get("/x")] == [1, 2]
    assert scene.asked[-1].headers["Authorization"] == "Bearer new"


def test_a_token_that_has_expired_is_told_without_it(opened: Opened) -> None:
    api, _ = opened(refusal(403, 9109, f"Invalid access token {TOKEN}"))
    with pytest.raises(CloudflareFailed, match="fix: store a token") as failed:
        api.get("/x")
    assert TOKEN not in str(failed.value)
    assert failed.value.codes == (9109,)


def test_a_refusal_with_200_is_one(opened: Opened) -> None:
    api, _ = opened(refusal(200, 7500, "no such table"))
    with pytest.raises(CloudflareFailed, match=r"no such table \[code: 7500\]"):
        api.post("/x", {}, repeatable=True)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'"x"'])
def test_what_is_not_cloudflare_s_is_no_answer(body: bytes, opened: Opened) -> None:
    api, _ = opened(Said(200, body))
    with pytest.raises(CloudflareFailed, match="not Cloudflare's"):
        api.get("/x")


def test_no_redirect_takes_the_token_elsewhere(opened: Opened) -> None:
    api, scene = opened(Said(302, b"", {"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(CloudflareFailed, match="302"):
        api.get("/x")
    assert len(scene.asked) == 1


@pytest.mark.parametrize(
    "base", ["http://api.example.com", "ftp://127.0.0.1", "127.0.0.1", "http://127.0.0.1.example.com"]
)
def test_no_token_goes_where_others_can_read_it(base: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Cloudflare(base, "acc", lambda: TOKEN)


def test_a_list_is_read_to_its_end(opened: Opened) -> None:
    api, scene = opened(result([1, 2], cursor="n"), result([3], cursor=""))
    assert list(api.every("/kv", "limit", prefix="a/")) == [1, 2, 3]
    assert scene.asked[1].path.endswith("prefix=a%2F&limit=1000&cursor=n")


def test_a_list_that_goes_in_a_circle_ends(opened: Opened) -> None:
    api, _ = opened(result([1], cursor="n"), result([2], cursor="n"))
    with pytest.raises(CloudflareFailed, match="the same cursor twice"):
        list(api.every("/kv"))


def test_a_database_tells_rows_size_and_bookmark(opened: Opened) -> None:
    ran = {"results": {"columns": ["a"], "rows": [[1], [2]]}, "meta": {"size_after": 4096}}
    api, scene = opened(result([ran]), result([ran, ran]), result({"bookmark": "b"}))
    database = api.database("id")
    assert database.query("SELECT 1") == [[1], [2]]
    assert database.together(["SELECT 1", "SELECT 2"]) == [[[1], [2]]] * 2
    assert (database.bytes, database.bookmark()) == (4096, "b")
    assert scene.asked[-1].path.endswith("/d1/database/id/time_travel/bookmark")
