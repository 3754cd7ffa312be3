"""What visitors, programs and operators meet during maintenance, from the Worker that answers meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.model.project import ROOT
from tests.support.kept_stage import HOST, SETTINGS, KeptStage, kept_stage

pytestmark = pytest.mark.slow

SHOP = """
const seen = (request) => JSON.stringify({
  path: new URL(request.url).pathname,
  method: request.method,
  pass: request.headers.get("X-Maintenance-Pass"),
  cookie: request.headers.get("Cookie"),
});
export default { async fetch(request) {
  if (request.headers.get("Upgrade") === "websocket") {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  }
  if (new URL(request.url).pathname === "/away") return Response.redirect("https://elsewhere.example/", 302);
  return new Response(`shop ${seen(request)} ${await request.text()}`, { headers: { "Set-Cookie": "a=1" } });
} };
"""
BROKEN = "export default { fetch() { throw new Error('the product is broken'); } }"
BROWSER: dict[str, Any] = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)


class Visited:
    """A stage that runs, with what its shop answers; ``pass_`` is of its last maintenance."""

    def __init__(self, stage: KeptStage, cloud: StageCloud) -> None:
        self.stage = stage
        self.cloud = cloud
        self.pass_ = ""

    def on(self, until: datetime = UNTIL, message: str = "", settings: Any = SETTINGS) -> None:
        self.pass_ = self.stage.maintenance(settings=settings).on(until, message)

    def ask(self, path: str = "/", method: str = "GET", *, body: bytes = b"", **headers: Any) -> Answer:
        spelt = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.cloud.visit(HOST, path, method=method, body=body or None, headers=spelt)


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visited]:
    folder = tmp_path_factory.mktemp("maintenance")
    with LocalCloudflare("staging", folder / "staging", ROOT, str(folder)) as cloud:
        stage = kept_stage(folder, SHOP, running=cloud)
        yield Visited(stage, cloud.client)
        stage.api.journal.close()
        stage.api.resources.store.close()


@pytest.fixture
def under(visited: Visited) -> Visited:
    visited.on()
    return visited


def test_a_person_meets_a_page_in_japanese_and_english(under: Visited) -> None:
    answer = under.ask(**BROWSER)
    assert answer.status == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert 'lang="ja"' in answer.text
    assert "メンテナンス" in answer.text
    assert "Under maintenance" in answer.text


def test_a_program_meets_a_code_a_message_and_when_it_ends(under: Visited) -> None:
    for accept in ("application/json", "*/*", "text/html;q=0.5, application/json"):
        answer = under.ask("/api/bookings", Accept=accept)
        assert answer.status == 503
        said = answer.json()
        assert (said["code"], bool(said["message"])) == ("MAINTENANCE", True)
        assert datetime.fromisoformat(said["estimatedEnd"]) == UNTIL
        assert 0 < int(answer.headers["retry-after"]) <= 7200


def test_a_request_that_says_nothing_of_itself_is_a_program(under: Visited) -> None:
    assert under.ask("/style.css", method="GET").json()["code"] == "MAINTENANCE"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_is_written_during_maintenance(under: Visited, method: str) -> None:
    assert under.ask("/api/bookings", method=method, body=b"{}").status == 503


def test_a_question_for_the_head_alone_has_no_body(under: Visited) -> None:
    answer = under.ask(method="HEAD")
    assert (answer.status, answer.body) == (503, b"")
    assert int(answer.headers["retry-after"]) > 0


def test_health_says_maintenance_and_is_not_ok(under: Visited) -> None:
    answer = under.ask("/health", **BROWSER)
    assert answer.status == 503
    assert (answer.json()["status"], answer.json()["environment"]) == ("maintenance", "staging")


def test_a_page_of_another_origin_can_read_that_it_is_maintenance(under: Visited) -> None:
    asked: dict[str, Any] = {"Origin": "https://app.example", "Access_Control_Request_Method": "DELETE"}
    preflight = under.ask("/api/bookings", method="OPTIONS", **asked)
    assert preflight.status == 204
    assert preflight.headers["access-control-max-age"] == "0", "the product decides again as soon as it is back"
    assert "access-control-allow-credentials" not in preflight.headers
    answer = under.ask("/api/bookings", method="DELETE", Origin="https://app.example")
    assert answer.status == 503
    assert answer.headers["access-control-allow-origin"] == "*"
    assert under.ask("/api/bookings", method="OPTIONS").status == 503, "that is no preflight"


def test_a_connection_cannot_be_upgraded(under: Visited) -> None:
    upgrade: dict[str, Any] = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    assert under.ask("/ws", Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==", **upgrade).status == 503


def test_an_end_that_has_passed_is_not_promised_again(visited: Visited) -> None:
    visited.on(datetime.now(UTC) - timedelta(minutes=1))
    answer = visited.ask()
    assert (answer.json()["estimatedEnd"], answer.headers["retry-after"]) == (None, "600")
    assert "Expected to end" not in visited.ask(**BROWSER).text


@pytest.mark.parametrize(
    ("until", "offset", "words"),
    [
        (datetime(2030, 11, 3, 5, 30, tzinfo=UTC), "-04:00", "2030-11-03 01:30 EDT"),  # the hour that comes twice
        (datetime(2030, 11, 3, 6, 30, tzinfo=UTC), "-05:00", "2030-11-03 01:30 EST"),
        (
            datetime(2030, 3, 10, 7, 0, tzinfo=UTC),
            "-04:00",
            "2030-03-10 03:00 EDT",
        ),  # just after the one that is left out
    ],
)
def test_the_end_is_told_in_the_stages_zone_whichever_hour_it_is(
    visited: Visited, until: datetime, offset: str, words: str
) -> None:
    visited.on(until, settings=SETTINGS.model_copy(update={"timezone": "America/New_York"}))
    told = visited.ask().json()["estimatedEnd"]
    assert told.endswith(offset)
    assert datetime.fromisoformat(told) == until
    assert words in visited.ask(**BROWSER).text


def test_a_message_is_shown_and_is_no_markup(visited: Visited) -> None:
    visited.on(message='<script>alert("1")</script> & more')
    page = visited.ask(**BROWSER)
    assert "<script>" not in page.text
    assert "&#60;script&#62;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert visited.ask().json()["message"] == '<script>alert("1")</script> & more'


def test_operators_reach_the_product_with_all_but_their_pass(under: Visited) -> None:
    answer = under.ask("/api/x", method="POST", body=b"hello", X_Maintenance_Pass=under.pass_, Cookie="b=2")
    assert answer.status == 200
    seen = json.loads(re.findall(r"{.*}", answer.text)[0])
    assert seen == {"path": "/api/x", "method": "POST", "pass": None, "cookie": "b=2"}
    assert answer.text.endswith("hello")
    assert answer.headers["set-cookie"] == "a=1"
    assert "x-maintenance" not in answer.headers


def test_an_operators_redirect_is_theirs_to_follow(under: Visited) -> None:
    answer = under.ask("/away", X_Maintenance_Pass=under.pass_)
    assert (answer.status, answer.headers["location"]) == (302, "https://elsewhere.example/")


def test_a_person_types_the_pass_and_is_let_through_by_a_cookie(under: Visited) -> None:
    form: dict[str, Any] = {"Content_Type": "application/x-www-form-urlencoded"}
    assert "<form" in under.ask("/__maintenance").text
    assert under.ask("/__maintenance", method="POST", body=b"pass=wrong", **form).status == 403
    let_in = under.ask("/__maintenance", method="POST", body=f"pass={under.pass_}".encode(), **form)
    assert (let_in.status, let_in.headers["location"]) == (303, "/")
    cookie = let_in.headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    held = under.ask(Cookie=f"b=2; {cookie.partition(';')[0]}")
    assert held.status == 200
    assert '"cookie":"b=2"' in held.text


@pytest.mark.parametrize("given", ["", "x", "0" * 64, "null", "undefined"])
def test_nobody_comes_through_by_a_guess(under: Visited, given: str) -> None:
    assert under.ask(X_Maintenance_Pass=given).status == 503
    assert under.ask(Cookie=f"__Host-maintenance-pass={given}").status == 503


def test_an_earlier_pass_ends_with_the_next_maintenance(under: Visited) -> None:
    earlier = under.pass_
    under.on()
    assert under.ask(X_Maintenance_Pass=earlier).status == 503
    assert under.ask(X_Maintenance_Pass=under.pass_).status == 200


def test_uploaded_by_hand_it_answers_without_being_told_anything(visited: Visited) -> None:
    visited.stage.maintenance().off()
    visited.stage.upload("web", (ROOT / "bulkhead/operations/maintenance/worker.js").read_text())
    assert visited.ask().json() == {
        "code": "MAINTENANCE",
        "message": "We are doing maintenance and will be back soon.",
        "estimatedEnd": None,
    }
    page = visited.ask(**BROWSER)
    assert (page.status, "undefined" in page.text) == (503, False)
    assert visited.ask(X_Maintenance_Pass="undefined").status == 503
    visited.stage.upload("web", SHOP)


def test_it_answers_when_the_product_is_broken_and_the_product_is_back_afterwards(visited: Visited) -> None:
    visited.stage.maintenance().off()
    visited.stage.upload("web", BROKEN)
    assert visited.ask().status == 500
    visited.on()
    assert visited.ask().status == 503
    visited.stage.upload("web", SHOP)
    assert visited.ask(X_Maintenance_Pass=visited.pass_).status == 200
    visited.stage.maintenance().off()
    assert visited.ask().text.startswith("shop")
