"""A probe passes when the version that was asked gives the answer that was expected, in time, and never otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, Sites
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import Reply, ServiceToken, Silence
from bulkhead.delivery.answers import Answer, Outcome, Pair, counted, judged, overrides, uncompared
from bulkhead.delivery.door import PASS, pass_of
from bulkhead.delivery.observed import Probes
from bulkhead.delivery.probes import Prober, purge
from bulkhead.model.bindings import Service, VersionMetadata
from bulkhead.model.product import Cleaning, Journey, Probe, Product, Worker
from tests.support.cloudflare_api import TOKEN, ZONE, open_api
from tests.support.settings_fixture import make_settings

TOLD = VersionMetadata("VERSION")
HOME = Probe("home", "site", "/", holds="welcome")
DEEP = Probe("deep", "site", "/deep", status=404, holds="NONE", reaches=("back",))
BOOKING = Journey("a booking", "site", "/book", (), body={"who": "{mark}"}, cleans=Cleaning("/book/{id}"))
CHAT = Journey("a chat", "site", "/chat", (), body={"say": "{mark}"})
SHOP = Product(
    "shop",
    workers=(
        Worker("site", "site.js", host="@", bindings=(TOLD, Service("BACK", "back"))),
        Worker("back", "back.js", bindings=(TOLD,)),
    ),
    probes=(HOME, DEEP),
    journeys=(BOOKING, CHAT),
    warm=(("site", "/"), ("site", "/top")),
)
SCRIPTS = {"site": "shop-staging-worker-site", "back": "shop-staging-worker-back"}
OLD, NEW = {"site": "site-1", "back": "back-1"}, {"site": "site-2", "back": "back-2"}
Seen = list[httpx.Request]


class Stage:
    """A stage in memory. ``live`` are the versions that everybody gets, ``known`` those that an override reaches;
    ``broken`` answers instead of a version, by its id."""

    def __init__(
        self,
        environment: str = "staging",
        token: ServiceToken | None = None,
        carried: Mapping[str, str] = MappingProxyType({}),
        **gates: Any,
    ) -> None:
        self.settings = make_settings(environment, {"gates": {"maxMs": None} | gates})
        self.scripts = {name: f"shop-{environment}-worker-{name}" for name in SCRIPTS}
        self.live: dict[str, str] = dict(OLD)
        self.known = {*OLD.values(), *NEW.values()}
        self.broken: dict[str, Callable[[httpx.Request], httpx.Response | None]] = {}
        self.booked: dict[str, str] = {}
        self.seen: Seen = []
        self.slept: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None
        self.to_strangers: Callable[[httpx.Request], httpx.Response | None] = lambda _request: None
        self.prober = Prober(
            SHOP,
            self.settings,
            Sites(),
            token,
            carried=carried,
            transport=httpx.MockTransport(self._answer),
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.while_waiting()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        stopped = self.to_strangers(request) if "CF-Access-Client-Id" not in request.headers else None
        if stopped is not None:
            return stopped
        wanted = request.headers.get("Cloudflare-Workers-Version-Overrides", "")
        running = {
            worker: next((v for v in self.known if f'{self.scripts[worker]}="{v}"' in wanted), self.live[worker])
            for worker in SCRIPTS
        }
        had_part = ["site"] if request.url.path == "/" else ["site", "back"]
        for worker in had_part:
            answer = self.broken[running[worker]](request) if running[worker] in self.broken else None
            if answer is not None:
                return answer
        told = ", ".join(f'{self.scripts[worker]}="{running[worker]}"' for worker in had_part)
        answer = self._content(request)
        answer.headers["X-Version"] = told
        return answer

    def _content(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path:
            case "GET", "/" | "/health" | "/top":
                return httpx.Response(200, text="welcome")
            case "POST", "/book":
                self.booked["7"] = json.loads(request.content)["who"]
                return httpx.Response(201, json={"id": 7}, headers={"Set-Cookie": "session=s; Path=/"})
            case "DELETE", "/book/7" if request.headers.get("Cookie") == "session=s":
                self.booked.pop("7")
                return httpx.Response(200)
            case "POST", "/chat":
                return httpx.Response(200, json={})
        return httpx.Response(404, text="NONE")


@pytest.fixture
def stage() -> Iterator[Stage]:
    standing = Stage()
    with standing.prober:
        yield standing


def test_every_request_carries_the_pass_also_a_strangers() -> None:
    stage = Stage(token=ServiceToken("an-id", "a-secret"), carried=pass_of({PASS: "the-pass"}))
    with stage.prober:
        stage.prober.smoke(OLD)
    assert len(stage.seen) > 3
    assert {request.headers["X-Maintenance-Pass"] for request in stage.seen} == {"the-pass"}
    assert pass_of({}) == pass_of({PASS: ""}) == {}


def reply(status: int = 200, text: str = "welcome", ms: int = 5, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, (), text, ms)


def told(**versions: str) -> str:
    return overrides(versions, SCRIPTS)


WANTED = {"site": "site-2"}


@pytest.mark.parametrize(
    ("came", "reason"),
    [
        (reply(x_version=told(site="site-2")), ""),
        (reply(x_version=told(site="site-2", back="back-1")), ""),
        (reply(x_version=told(site="site-1")), "override not applied: site-1 of site answered instead of what"),
        (reply(x_version=f"{told(site='site-2')}, {told(site='site-1')}"), "override not applied: site-1 of site"),
        (reply(), "override not applied: the answer does not say which version of site"),
        (reply(x_version='other="site-2"'), "override not applied: the answer does not say"),
        (reply(x_version="shop-staging-worker-site=site-2"), "override not applied: the answer does not say"),
        (reply(503, "down", x_version=told(site="site-1")), "override not applied"),
        (reply(500, "Error 1101\x1b[2J\nWorker threw"), "failed: 200 was expected, not 'Error 1101 [2J Worker threw'"),
        (reply(500, "", x_version=told(site="site-2")), "failed: 200 was expected"),
        (reply(text="other", x_version=told(site="site-2")), "failed: 'welcome' is not in the answer: 'other'"),
        (reply(ms=2001, x_version=told(site="site-2")), "failed: took 2,001 ms, and 2,000 are allowed"),
        (reply(302, location="https://a.example/b?token=1"), "failed: 200 was expected, not a redirect to https://a."),
        (reply(302, location="https://t.cloudflareaccess.com/cdn-cgi/access/login/x"), "Access stands before it"),
        (reply(403, "<html>", cf_mitigated="challenge"), "protection from bots stopped the probe"),
        (Silence("its certificate does not hold: expired", 9), "failed: its certificate does not hold"),
        (Silence("x has no address in DNS", 9), "failed: x has no address in DNS"),
    ],
)
def test_an_answer_is_judged_by_what_it_is_and_whose_it_is(came: Reply | Silence, reason: str) -> None:
    answer = judged(HOME, came, WANTED, SCRIPTS, 2000)
    assert answer.ok == (not reason)
    assert reason in f"{answer.outcome}: {answer.reason}"
    assert "token=1" not in str(answer)


def test_who_had_a_part_by_the_products_word_must_be_heard() -> None:
    only_site = reply(404, "NONE", x_version=told(site="site-2"))
    answer = judged(DEEP, only_site, NEW, SCRIPTS, None)
    assert answer.outcome is Outcome.NOT_APPLIED
    assert "back" in answer.reason
    both = judged(DEEP, reply(404, "NONE", x_version=told(**NEW)), NEW, SCRIPTS, None)
    assert (both.ok, both.versions) == (True, (("back", "back-2"), ("site", "site-2")))
    assert judged(DEEP, only_site, WANTED, SCRIPTS, None).ok, "of whom nothing is asked need not be heard"


def test_an_id_that_would_end_the_header_is_no_version() -> None:
    with pytest.raises(ValueError, match="no ids"):
        overrides({"site": 'a", other="b'}, SCRIPTS)


def test_a_smoke_test_of_versions_at_nothing_reaches_them_alone(stage: Stage) -> None:
    smoke = stage.prober.smoke(NEW)
    assert smoke.ok, smoke.failed
    assert [answer.probe for answer in smoke.answers] == ["home", "deep", "a booking", "a chat"]
    assert stage.prober.smoke().ok, "without versions, what everybody gets"
    assert {version for answer in smoke.answers for _worker, version in answer.versions} == set(NEW.values())


def test_an_override_that_is_not_applied_is_waited_for_and_never_passes(stage: Stage) -> None:
    stage.known = set()
    smoke = stage.prober.smoke(NEW, settling=3)
    assert not smoke.ok
    assert {answer.outcome for answer in smoke.answers} == {Outcome.NOT_APPLIED}
    assert (len(stage.slept), len(smoke.left_out)) == (3, 2)

    stage.slept.clear()
    stage.while_waiting = lambda: stage.known.update(NEW.values())  # the deployment has arrived
    assert stage.prober.smoke(NEW, settling=3).ok


def test_after_a_switch_everybody_has_to_get_the_new_version(stage: Stage) -> None:
    assert stage.prober.smoke(NEW, settling=0).ok
    assert not stage.prober.smoke(NEW, forced=False, settling=0).ok
    stage.live = dict(NEW)
    assert stage.prober.smoke(NEW, forced=False, settling=0).ok


LOGIN = "https://team.cloudflareaccess.com/cdn-cgi/access/login/shop?kid=1"


@pytest.mark.parametrize(
    ("answer", "closed"),
    [
        (httpx.Response(302, headers={"Location": LOGIN}), True),
        (httpx.Response(401), True),
        (httpx.Response(403), True),
        (None, False),
        (httpx.Response(302, headers={"Location": "https://shop.example/login"}), False),
        (httpx.Response(403, headers={"X-Version": told(site="site-2")}), False),
        (httpx.Response(500), False),
    ],
    ids=["the login", "401", "403", "everybody is let in", "another login", "the Worker's own 403", "an error"],
)
def test_a_closed_stage_has_to_turn_away_whoever_comes_without_its_key(
    answer: httpx.Response | None, closed: bool
) -> None:
    stage = Stage(token=ServiceToken("an-id", "a-secret"))
    stage.to_strangers = lambda _request: answer
    with stage.prober:
        smoke = stage.prober.smoke(NEW, settling=1)
    assert smoke.ok is closed
    if not closed:
        assert "site without the key" in str(smoke.failed[0])
        assert "pulumi up -C identities -s staging" in smoke.failed[0].reason
        assert stage.booked == {}
        assert "POST" not in {request.method for request in stage.seen}, "nothing is written where anybody may look"


def test_one_refusal_that_got_lost_opens_no_stage() -> None:
    stage, answers = Stage(token=ServiceToken("an-id", "a-secret")), [httpx.Response(403), httpx.Response(502)]
    stage.to_strangers = lambda _request: answers.pop()
    with stage.prober:
        assert stage.prober.smoke(NEW).ok


def test_a_version_that_fails_its_probes_gets_no_journeys(stage: Stage) -> None:
    stage.broken["site-2"] = lambda _request: httpx.Response(500, text="boom")
    smoke = stage.prober.smoke(NEW)
    assert not smoke.ok
    assert {request.method for request in stage.seen} == {"GET"}
    assert smoke.left_out == ("a booking: a probe did not pass", "a chat: a probe did not pass")


def test_in_production_only_a_journey_that_cleans_up_is_made() -> None:
    stage = Stage("production")
    with stage.prober:
        smoke = stage.prober.smoke(NEW)
    assert smoke.ok, smoke.failed
    assert smoke.left_out == ("a chat: it does not say how it cleans up, and this is production",)
    assert stage.booked == {}
    assert "/chat" not in {request.url.path for request in stage.seen}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            lambda r: httpx.Response(500, text="no") if r.method == "DELETE" else None,
            "DELETE /book/7: 200 was expected",
        ),
        (lambda r: httpx.Response(201, json={}) if r.method == "POST" else None, "has no member 'id'"),
        (lambda r: httpx.Response(201, text="ok") if r.method == "POST" else None, "has no member 'id'"),
    ],
)
def test_what_a_journey_left_all_the_same_is_told(
    stage: Stage, broken: Callable[[httpx.Request], httpx.Response | None], said: str
) -> None:
    stage.broken["back-2"] = broken
    failed = stage.prober.smoke(NEW).failed
    assert failed[0].probe == "a booking"
    assert "left was not cleaned up" in failed[0].reason
    assert said in failed[0].reason


def test_a_journey_without_an_answer_may_have_left_something(stage: Stage) -> None:
    def silent(request: httpx.Request) -> httpx.Response | None:
        if request.method == "POST":
            raise httpx.ReadTimeout("", request=request)
        return None

    stage.broken["back-2"] = silent
    assert "may have left" in stage.prober.smoke(NEW).failed[0].reason


def test_whoever_looks_for_traces_makes_the_journey_that_leaves_them(stage: Stage) -> None:
    assert stage.prober.travel(BOOKING, "word").ok
    assert stage.booked == {"7": "word"}


def pairs(stage: Stage, new: Mapping[str, str] = NEW) -> Probes:
    """Return what was counted, without the times, which nobody can foretell."""
    return replace(counted(stage.prober.pairs(new, OLD)), times={})


def test_what_fails_on_one_side_is_told_from_what_fails_on_both(stage: Stage) -> None:
    def down(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503)

    assert pairs(stage) == Probes(asked=2, new_alone=0, stable_alone=0, both=0)
    stage.broken["back-2"] = down
    assert pairs(stage) == Probes(asked=2, new_alone=1, stable_alone=0, both=0)
    stage.broken["back-1"] = down
    assert pairs(stage) == Probes(asked=2, new_alone=0, stable_alone=0, both=1)
    del stage.broken["back-2"]
    assert pairs(stage) == Probes(asked=2, new_alone=0, stable_alone=1, both=0)


def test_an_override_that_is_not_applied_is_evidence_for_nobody(stage: Stage) -> None:
    stage.known = set(OLD.values())
    assert pairs(stage) == Probes(asked=2, unapplied=2)


def test_how_long_both_took_is_told_of_what_passed_on_both(stage: Stage) -> None:
    stage.broken["back-2"] = lambda _request: httpx.Response(503)
    assert list(counted(stage.prober.pairs(NEW, OLD)).times) == ["home"]
    slow, quick = (Answer("home", Outcome.PASSED, 200, ms) for ms in (900, 30))
    assert counted([Pair(new=slow, stable=quick)]).times == {"home": (900, 30)}


def test_what_stands_alone_is_asked_as_a_visitor_asks(stage: Stage) -> None:
    stage.live = dict(NEW)
    stage.broken["back-2"] = lambda _request: httpx.Response(503)
    assert uncompared(stage.prober.alone(NEW)) == Probes(asked=2, new_alone=1)
    assert uncompared(stage.prober.alone({"site": "site-3"})) == Probes(asked=2, new_alone=1, unapplied=1)
    assert not any("Cloudflare-Workers-Version-Overrides" in request.headers for request in stage.seen)
    assert len(stage.prober.alone({"back": "back-2"})) == 1


def test_only_what_moves_is_compared(stage: Stage) -> None:
    """A probe that the moving Worker has no part in could only fail by chance, and convict it."""
    assert pairs(stage, {**OLD, "back": "back-2"}).asked == 1
    assert pairs(stage, dict(OLD)).asked == 0


def test_health_is_asked_until_everybody_is_well(stage: Stage) -> None:
    ill = [httpx.Response(503), httpx.Response(503)]
    stage.broken["site-1"] = lambda _request: ill.pop() if ill else None
    (answer,) = stage.prober.health(settling=5)
    assert (answer.ok, len(stage.slept)) == (True, 2)
    stage.broken["site-1"] = lambda _request: httpx.Response(503)
    (answer,) = stage.prober.health(settling=2)
    assert str(answer).startswith("health of site: 503 in ")


def test_warm_paths_are_asked_and_what_cannot_be_warmed_is_told(stage: Stage) -> None:
    assert all(answer.ok for answer in stage.prober.warm())
    assert sorted(request.url.path for request in stage.seen) == ["/", "/top"]
    stage.broken["site-1"] = lambda r: httpx.Response(500) if r.url.path == "/top" else httpx.Response(304)
    assert [answer.ok for answer in stage.prober.warm()] == [True, False]


def test_nobody_is_waited_for_longer_than_the_gate_allows() -> None:
    stage = Stage(maxMs=1500)
    with stage.prober:
        stage.prober.ask(HOME)
    assert stage.seen[0].extensions["timeout"]["read"] == 1.5


def test_an_answer_reads_as_one_line() -> None:
    assert str(Answer("home", Outcome.PASSED, 200, 1234)) == "home: 200 in 1,234 ms"
    assert str(Answer("home", Outcome.FAILED, None, 9, reason="x")) == "home: no answer in 9 ms; failed: x"


def test_a_purge_says_what_goes_and_a_hundred_at_a_time(tmp_path: Any) -> None:
    api = open_api(tmp_path)
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as rest:
        assert purge(rest, ZONE, hosts=["example.com"], prefixes=[f"example.com/{n}" for n in range(101)]) == 3
        assert purge(rest, ZONE) == 0
    notes = [json.loads(entry.note) for entry in api.journal]
    assert notes[0] == {"hosts": ["example.com"]}
    assert [len(note.get("prefixes", ())) for note in notes] == [0, 100, 1]
    api.journal.close()
    api.resources.store.close()
