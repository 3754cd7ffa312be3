"""A request is made again only where that cannot do a thing twice; what may have been done says so."""

from __future__ import annotations

from email.utils import formatdate

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB
from bulkhead.clients.refusals import ApiRefused, Uncertain
from tests.support.answering import NOW, Answer, Answering, cloudflare, failed

UNHEARD: list[Answer] = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, failed(429)]
LOST: list[Answer] = [
    *(failed(status) for status in (502, 503, 504, 520, 524)),
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.RemoteProtocolError,
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize("answer", [*UNHEARD, *LOST], ids=str)
def test_what_comes_to_the_same_is_made_again(method: str, answer: Answer) -> None:
    api = Answering(answer, answer, answer, cloudflare())
    assert api.rest(CLOUDFLARE).request(method, "/x").is_success
    assert api.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("answer", UNHEARD, ids=str)
def test_what_nobody_can_have_done_is_made_again(method: str, answer: Answer) -> None:
    api = Answering(answer, cloudflare())
    assert api.rest(CLOUDFLARE).request(method, "/x").is_success


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("answer", LOST, ids=str)
def test_what_may_have_been_done_is_not_done_twice(method: str, answer: Answer) -> None:
    api = Answering(answer)
    with pytest.raises(Uncertain, match="may have done it, or not"):
        api.rest(CLOUDFLARE).request(method, "/accounts/a/tokens")
    assert (len(api.asked), api.slept) == (1, [])


@pytest.mark.parametrize("answer", LOST, ids=str)
def test_a_caller_may_say_that_it_can_be_done_twice(answer: Answer) -> None:
    api = Answering(answer, cloudflare([1]))
    assert api.rest(CLOUDFLARE).post("/query", {"sql": "SELECT 1"}, repeatable=True) == [1]
    assert [request.content for request in api.asked] == [b'{"sql":"SELECT 1"}'] * 2


def test_a_caller_may_say_that_it_cannot() -> None:
    with pytest.raises(Uncertain):
        Answering(failed(502)).rest(CLOUDFLARE).put("/x", {}, repeatable=False)


@pytest.mark.parametrize("answer", [failed(400), failed(403), failed(404), failed(409)], ids=str)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_a_refusal_is_taken_at_its_word(method: str, answer: Answer) -> None:
    api = Answering(answer)
    with pytest.raises(ApiRefused) as refused:
        api.rest(CLOUDFLARE).request(method, "/x")
    assert not isinstance(refused.value, Uncertain)


@pytest.mark.parametrize("answer", [failed(502), httpx.ReadError], ids=str)
def test_three_times_and_no_more(answer: Answer) -> None:
    for method, error in (("GET", ApiRefused), ("PUT", Uncertain), ("DELETE", Uncertain)):
        api = Answering(*[answer] * 4)
        with pytest.raises(ApiRefused) as refused:
            api.rest(CLOUDFLARE).request(method, "/x")
        assert type(refused.value) is error
        assert len(api.asked) == 4


def test_an_error_of_the_api_itself_may_come_half_way_and_is_not_repeated() -> None:
    for method, error in (("GET", ApiRefused), ("PUT", Uncertain), ("POST", Uncertain)):
        with pytest.raises(ApiRefused) as refused:
            Answering(failed(500)).rest(CLOUDFLARE).request(method, "/x")
        assert type(refused.value) is error


@pytest.mark.parametrize(
    "later", [[httpx.ConnectError] * 3, [failed(429, headers=[("Retry-After", "900")])], [failed(409, 10014)]], ids=str
)
def test_what_one_attempt_may_have_done_no_later_failure_undoes(later: list[Answer]) -> None:
    api = Answering(failed(502), *later)
    with pytest.raises(Uncertain):
        api.rest(CLOUDFLARE).put("/x", {})


def test_a_deletion_that_was_done_before_its_answer_was_lost_is_done() -> None:
    assert Answering(failed(502), failed(404, 10007)).rest(CLOUDFLARE).delete("/x") is None
    with pytest.raises(ApiRefused) as refused:
        Answering(httpx.ConnectError, failed(404, 10007)).rest(CLOUDFLARE).delete("/x")
    assert refused.value.has(10007)


def limited(status: int, *headers: tuple[str, str]) -> httpx.Response:
    return failed(status, headers=headers)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (limited(429), 0.5),
        (limited(429, ("Retry-After", "7")), 7.0),
        (limited(429, ("Retry-After", formatdate(NOW + 9, usegmt=True))), 9.0),
        (limited(429, ("Retry-After", "soon")), 0.5),
        (limited(429, ("Retry-After", "-1")), 0.5),
        (limited(429, ("Retry-After", formatdate(NOW - 9, usegmt=True))), 0.5),
        (limited(429, ("Retry-After", "Mon, 01 Jan 2024 00:00:00 +99999999999999")), 0.5),
        (limited(503, ("Retry-After", "60")), 60.0),
        (limited(403, ("Retry-After", "3")), 3.0),
        (limited(403, ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(int(NOW) + 20))), 20.0),
    ],
    ids=str,
)
def test_the_api_says_how_long_to_leave_it_alone(answer: httpx.Response, seconds: float) -> None:
    api = Answering(answer, httpx.Response(200, json=[]))
    assert api.rest(GITHUB).get("/x") == []
    assert api.slept == [seconds]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("asked", "told"), [("300", 300), ("9" * 400, 86_400)])
def test_nobody_waits_for_minutes_and_the_person_is_told_when(method: str, asked: str, told: int) -> None:
    api = Answering(limited(429, ("Retry-After", asked)))
    with pytest.raises(ApiRefused, match=f"again in {told} seconds") as refused:
        api.rest(CLOUDFLARE).request(method, "/x")
    assert not isinstance(refused.value, Uncertain)
    assert (refused.value.status, api.slept) == (429, [])


def test_a_right_that_is_missing_is_not_asked_for_twice() -> None:
    with pytest.raises(ApiRefused, match="has it the permissions"):
        Answering(limited(403, ("X-RateLimit-Remaining", "4999"))).rest(GITHUB).get("/x")
