"""The one client: what it sends, what it hands back, and what it raises for callers and for people."""

from __future__ import annotations

import gzip

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB
from bulkhead.clients.refusals import ApiRefused, Uncertain
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Refused
from tests.support.answering import TOKEN, Answering, cloudflare, failed, listening

ENTERPRISE = GITHUB.at("https://github.harbor.example/api/v3")
LOCAL = CLOUDFLARE.at("http://127.0.0.1:8787/client/v4")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_write_sends_json_and_returns_the_result(method: str) -> None:
    api = Answering(cloudflare({"id": "d1"}))
    assert getattr(api.rest(LOCAL), method)("/accounts/a/d1/database", {"name": "main"}) == {"id": "d1"}
    (request,) = api.asked
    assert (request.method, str(request.url)) == (method.upper(), f"{LOCAL.base}/accounts/a/d1/database")
    assert (request.content, request.headers["Content-Type"]) == (b'{"name":"main"}', "application/json")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_an_empty_answer_is_none_and_githubs_answers_have_no_envelope() -> None:
    api = Answering(httpx.Response(204), httpx.Response(201, json={"id": 7, "result": "success"}))
    rest = api.rest(ENTERPRISE)
    assert rest.put("/repos/o/r/environments/e/secrets/S", {}) is None
    assert rest.post("/repos/o/r/deployments", {}) == {"id": 7, "result": "success"}


def test_modules_are_uploaded_as_parts_also_the_second_time() -> None:
    parts: list[tuple[str, bytes | tuple[str | None, bytes, str]]] = [
        ("metadata", (None, b'{"main_module":"a.mjs"}', "application/json")),
        ("a.mjs", ("a.mjs", b"export default {}", "application/javascript+module")),
    ]
    api = Answering(failed(502), cloudflare({"id": "w"}))
    assert api.rest(CLOUDFLARE).put("/accounts/a/workers/scripts/w", files=parts) == {"id": "w"}
    for request in api.asked:
        assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
        assert b'name="a.mjs"; filename="a.mjs"\r\nContent-Type: application/javascript+module' in request.content
        assert b'name="metadata"\r\nContent-Type: application/json\r\n\r\n{"main_module"' in request.content


def test_bytes_go_and_come_as_they_are() -> None:
    api = Answering(cloudflare(), httpx.Response(200, content=b"\x00{}"), failed(404, 10009))
    rest = api.rest(CLOUDFLARE)
    rest.put("/values/k", content=b"\x00{}", headers={"Content-Type": "application/octet-stream"})
    assert (api.asked[0].content, api.asked[0].headers["Content-Type"]) == (b"\x00{}", "application/octet-stream")
    assert rest.raw("/values/k") == b"\x00{}"
    assert rest.raw("/values/none") is None


def test_text_and_headers_can_be_had() -> None:
    api = Answering(httpx.Response(200, text="<p>hello</p>", headers={"ETag": "e"}))
    answer = api.rest(GITHUB).request("POST", "/markdown", {"text": "hello"})
    assert (answer.text, answer.headers["ETag"]) == ("<p>hello</p>", "e")


@pytest.mark.parametrize("end", [{"cursor": ""}, {}, {"cursor": "c2", "is_truncated": False}, None], ids=str)
def test_a_list_with_cursors_is_read_to_its_end(end: object) -> None:
    api = Answering(cloudflare([{"name": "a"}], {"cursor": "c1", "count": 1}), cloudflare([{"name": "b"}], end))
    found = list(api.rest(CLOUDFLARE).every_by_cursor("/keys", limit=1, prefix="x"))
    assert found == [{"name": "a"}, {"name": "b"}]
    assert [dict(request.url.params) for request in api.asked] == [
        {"limit": "1", "prefix": "x"},
        {"limit": "1", "prefix": "x", "cursor": "c1"},
    ]


def test_a_cursor_that_leads_nowhere_ends_the_list() -> None:
    api = Answering(cloudflare([1], {"cursor": "c1"}), cloudflare([2], {"cursor": "c1"}))
    with pytest.raises(ApiRefused, match="the same cursor twice"):
        list(api.rest(CLOUDFLARE).every_by_cursor("/keys"))
    assert list(Answering(failed(404)).rest(CLOUDFLARE).every_by_cursor("/keys")) == []


def test_cursors_that_lead_in_a_circle_end_the_list() -> None:
    api = Answering(*[cloudflare([1], {"cursor": cursor}) for cursor in ("c1", "c2", "c1")])
    with pytest.raises(ApiRefused, match="the same cursor twice"):
        list(api.rest(CLOUDFLARE).every_by_cursor("/keys"))


def test_a_server_that_has_one_page_only_is_not_asked_forever() -> None:
    page = list(range(100))
    for answer in (httpx.Response(200, json=page), cloudflare(page, {"total_pages": 9})):
        rest = Answering(answer, answer).rest(LOCAL if "result" in answer.text else GITHUB)
        with pytest.raises(ApiRefused, match="the same page twice"):
            list(rest.every("/repos/o/r/rulesets"))


def test_github_s_pages_may_be_smaller_than_asked_for() -> None:
    """Of variables it gives 30 at most, whatever is asked for."""
    link = {"Link": '<https://api.github.com/x?page=2>; rel="next", <https://api.github.com/x?page=2>; rel="last"'}
    first = httpx.Response(200, json={"total_count": 31, "variables": list(range(30))}, headers=link)
    api = Answering(first, httpx.Response(200, json={"total_count": 31, "variables": [30]}))
    assert list(api.rest(GITHUB).every("/repos/o/r/environments/e/variables", within="variables")) == list(range(31))


@pytest.mark.parametrize(
    "body", ["{}", "[]", "null", '"ok"', '{"message": "welcome"}', "[" * 9999], ids=lambda b: b[:9]
)
def test_what_is_no_answer_of_cloudflare_s_is_not_an_empty_one(body: str) -> None:
    for ask in (lambda rest: rest.get("/x"), lambda rest: list(rest.every("/x")), lambda rest: rest.post("/x", {})):
        with pytest.raises(ApiRefused, match=r"It is not Cloudflare|may have been done"):
            ask(Answering(httpx.Response(200, text=body)).rest(LOCAL))


@pytest.mark.parametrize("body", ["{}", "null", '"ok"', '{"other": []}', '{"branch_policies": {"a": 1}}'])
def test_what_is_no_list_is_not_an_empty_one(body: str) -> None:
    with pytest.raises(ApiRefused, match="no list"):
        list(Answering(httpx.Response(200, text=body)).rest(GITHUB).every("/x", within="branch_policies"))
    with pytest.raises(ApiRefused, match="no list"):
        list(Answering(cloudflare({"buckets": []})).rest(CLOUDFLARE).every("/x"))


def test_a_refusal_keeps_the_vendors_codes() -> None:
    chained = {"code": 10021, "message": "bad script", "error_chain": [{"code": 10068, "message": "no handler"}]}
    api = Answering(httpx.Response(400, json={"success": False, "errors": [chained]}))
    with pytest.raises(ApiRefused, match=r"400: bad script \[code: 10021\]; no handler \[code: 10068\]") as refused:
        api.rest(CLOUDFLARE).put("/accounts/a/workers/scripts/w", files=[("m", b"x")])
    assert refused.value.status == 400
    assert refused.value.reasons == ((10021, "bad script"), (10068, "no handler"))
    assert refused.value.has(10068)
    assert not refused.value.has(10007)


def test_githubs_refusals_name_the_field() -> None:
    errors = [{"resource": "Ruleset", "field": "name", "code": "missing_field"}, "Name must be unique"]
    api = Answering(httpx.Response(422, json={"message": "Validation Failed", "errors": errors}))
    with pytest.raises(ApiRefused) as refused:
        api.rest(ENTERPRISE).post("/repos/o/r/rulesets", {})
    assert refused.value.summary == "GitHub did not do it."
    told = "422: Validation Failed; Ruleset name [code: missing_field]; Name must be unique"
    assert refused.value.faults[0].message == told
    assert refused.value.has("missing_field")


@pytest.mark.parametrize(
    "body",
    [{"success": False, "errors": [{"code": 7003, "message": "no"}]}, {"data": None, "errors": [{"message": "no"}]}],
    ids=["envelope", "GraphQL"],
)
def test_a_refusal_that_calls_itself_a_success_is_one(body: object) -> None:
    for method in ("get", "post"):
        with pytest.raises(ApiRefused, match="200: no") as refused:
            getattr(Answering(httpx.Response(200, json=body)).rest(LOCAL), method)("/graphql")
        assert not isinstance(refused.value, Uncertain)


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429, 500, 502])
def test_the_token_is_in_no_message(status: int) -> None:
    body = {"success": False, "errors": [{"code": 1, "message": f"Bearer {TOKEN} is bad", "error_chain": [TOKEN]}]}
    for method in ("GET", "POST"):
        api = Answering(*[httpx.Response(status, json=body) for _ in range(4)])
        with pytest.raises(Refused) as refused:
            api.rest(CLOUDFLARE).request(method, "/x")
        assert TOKEN not in f"{refused.value}{refused.value!r}{vars(refused.value)}"
        assert "Bearer ***" in str(refused.value)


def test_not_even_a_half_of_the_token_is_in_a_message() -> None:
    for start in range(280, 300):
        answer = httpx.Response(400, json={"errors": [{"code": f"of {TOKEN}", "message": "x" * start + TOKEN}]})
        with pytest.raises(ApiRefused) as refused:
            Answering(answer).rest(CLOUDFLARE).post("/x", {})
        assert TOKEN[:4] not in f"{refused.value}{refused.value.reasons}"


def test_a_vendor_s_message_stays_one_line_and_moves_no_cursor() -> None:
    answer = httpx.Response(400, json={"message": "\x1b[2JInvalid request.\n\n    fix: rm -rf /"})
    with pytest.raises(ApiRefused) as refused:
        Answering(answer).rest(GITHUB).post("/x", {})
    assert refused.value.faults[0].message == "400:  [2JInvalid request.     fix: rm -rf /"


@pytest.mark.parametrize(
    "paging", [[1], 7, "x", {"per_page": "x"}, {"total_pages": [], "per_page": -1}, {"total_count": None}], ids=str
)
def test_whatever_is_said_of_pages_the_items_are_found(paging: object) -> None:
    assert list(Answering(cloudflare([1], paging)).rest(CLOUDFLARE).every("/x")) == [1]
    assert list(Answering(cloudflare([1], paging)).rest(CLOUDFLARE).every_by_cursor("/x")) == [1]


@pytest.mark.parametrize("answer", [{"text": "<html>"}, {"content": b'{"result": '}], ids=str)
def test_an_answer_that_is_no_json_says_nothing_of_what_was_done(answer: dict[str, str]) -> None:
    for method, error in (("get", ApiRefused), ("post", Uncertain)):
        with pytest.raises(ApiRefused, match="an answer that is no JSON") as refused:
            getattr(Answering(httpx.Response(200, **answer)).rest(LOCAL), method)("/x")  # type: ignore[arg-type]
        assert type(refused.value) is error


@pytest.mark.parametrize("body", ["<html>bad gateway</html>", "[]", '"text"', '{"errors": "many"}', '{"errors": [7]}'])
def test_whatever_a_refusal_looks_like_it_is_told(body: str) -> None:
    with pytest.raises(ApiRefused, match=r"409: (Conflict|7)"):
        Answering(httpx.Response(409, text=body)).rest(CLOUDFLARE).post("/x", {})


def test_a_page_of_a_message_is_cut() -> None:
    with pytest.raises(ApiRefused) as refused:
        Answering(httpx.Response(400, json={"message": "x" * 9000})).rest(GITHUB).post("/x", {})
    assert len(str(refused.value)) < 600


def test_nobody_is_followed_elsewhere_with_the_token() -> None:
    api = Answering(httpx.Response(307, headers={"Location": "https://elsewhere.example/x"}))
    with pytest.raises(ApiRefused, match="307"):
        api.rest(GITHUB).get("/repos/o/old")
    assert [request.url.host for request in api.asked] == ["api.github.com"]


@pytest.mark.parametrize("path", ["@elsewhere.example/x", ".elsewhere.example", "", "x", "/x?a=b", "/x#y", "/x\n"])
def test_what_is_no_path_changes_no_host_and_loses_no_query(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        Answering().rest(GITHUB).get(path)


@pytest.mark.parametrize("token", ["", "hunter2\n", "hunter 2", "hunter\u00e4"])
def test_what_cannot_be_a_token_is_refused_unseen(token: str) -> None:
    with pytest.raises(Refused, match="Cloudflare was not asked") as refused:
        Rest(CLOUDFLARE, token)
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize(("method", "error"), [("GET", ApiRefused), ("POST", Uncertain)])
def test_an_answer_that_unpacks_to_more_than_is_taken_is_not_unpacked(
    method: str, error: type[ApiRefused], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.clients.rest._MOST", 4 * 1024**2)
    packed = gzip.compress(bytes(64 * 1024**2))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    with (
        listening([head.encode() + packed]) as (api, received),
        Rest(api, TOKEN) as rest,
        pytest.raises(error, match="200: an answer of more than 4 MiB"),
    ):
        rest.request(method, "/x")
    assert len(received) == 1


def test_a_packed_answer_is_read_as_another() -> None:
    packed = gzip.compress(b'{"result":1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\nETag: e\r\n\r\n".encode()
    with listening([head + packed, head + packed]) as (api, _), Rest(api, TOKEN) as rest:
        assert rest.get("/x") == 1
        answer = rest.request("GET", "/x")
        assert (answer.content, answer.headers["ETag"]) == (b'{"result":1}', "e")


def test_one_connection_is_kept_for_all_requests() -> None:
    ok = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"result":1}'
    with listening([ok, ok, ok]) as (api, received), Rest(api, TOKEN) as rest:
        assert [rest.get("/x"), rest.post("/x", {}), rest.get("/x")] == [1, 1, 1]
    assert len(received) == 3


def test_no_proxy_of_the_environment_sees_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening([b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"]) as (proxy, seen):
        monkeypatch.setenv("http_proxy", proxy.base)
        monkeypatch.setenv("no_proxy", "")
        with listening([b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"result":1}']) as (api, received):
            with Rest(api, TOKEN) as rest:
                assert rest.post("/x", {}) == 1
            assert len(received) == 1
        with httpx.Client() as client:  # the proxy was there all the time
            client.get("http://127.0.0.1:9/")
        assert len(seen) == 1


@pytest.mark.parametrize("cut", [None, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"], ids=["silence", "half"])
def test_a_post_whose_answer_never_came_arrives_once(cut: bytes | None) -> None:
    with (
        listening([cut]) as (api, received),
        Rest(api, TOKEN) as rest,
        pytest.raises(Uncertain, match="RemoteProtocolError"),
    ):
        rest.post("/accounts/a/tokens", {"name": "t"})
    assert len(received) == 1
