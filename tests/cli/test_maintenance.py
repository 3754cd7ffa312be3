"""`bulkhead maintenance`: a stage is interrupted, and comes back, by whoever meant this very stage."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.cli.main import main
from bulkhead.clients import rest, visits
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import Visitor
from bulkhead.delivery.journal import Journal
from bulkhead.machine.owner import Owner
from bulkhead.resources import types as t
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN
from tests.support.kept_stage import MAINTENANCE, ROUTES, KeptStage, kept_stage
from tests.support.settings_fixture import write_stage_files

ZONE = "acme-hotels.com"  # as the stage's file has it
HOST = f"staging.{ZONE}"
BUCKET = "harbor-staging-state-222222222222"
CLERK = "harbor-staging-worker-clerk"
RUN = ("staging", "--token-env", "THE_TOKEN")
YES = (*RUN, "--yes", "staging")
Run = Callable[..., tuple[int, str, str]]


class Edge(httpx.BaseTransport):
    """What visitors of the stage meet: the maintenance where a route leads to it, and else what is said here."""

    def __init__(self, stage: KeptStage) -> None:
        self._stage = stage
        self.product = httpx.Response(200, text="hello")
        self.late = 0  # requests that are still answered from before

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        routes = {each["pattern"]: each.get("script") for each in self._stage.api.result("GET", ROUTES)}
        led = routes.get(f"{request.headers['Host']}/*") == MAINTENANCE
        if self.late:
            self.late -= 1
            led = not led
        if not led:
            return self.product
        return httpx.Response(503, headers={"X-Maintenance": "on"})


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptStage]:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    work_in(monkeypatch, checkout)
    write_stage_files(checkout)
    made = kept_stage(tmp_path, zone=ZONE)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("THE_TOKEN", TOKEN)
    monkeypatch.setenv("PATH", "/nowhere")  # no Pulumi
    monkeypatch.setattr(rest, "Rest", partial(Rest, transport=made.api.transport()))
    monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: lambda service: made.bucket)
    yield made
    made.api.journal.close()
    made.api.resources.store.close()


@pytest.fixture
def edge(stage: KeptStage, monkeypatch: pytest.MonkeyPatch) -> Edge:
    there = Edge(stage)
    monkeypatch.setattr(visits, "Visitor", partial(Visitor, transport=there))
    monkeypatch.setattr("bulkhead.operations.maintenance.switch._ASKED_EVERY", 0.0)
    return there


@pytest.fixture
def run(edge: Edge, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["maintenance", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_a_stage_is_put_under_maintenance_and_back(stage: KeptStage, run: Run) -> None:
    before = stage.seen()
    code, out, err = run("on", *YES, "--until", "2h", "--message", "We move to a new house.")
    assert (code, err) == (0, ""), err
    assert f"{HOST} answers with the maintenance" in out
    assert "maintenance off staging" in out
    assert stage.seen()["routes"] == {f"{HOST}/*": MAINTENANCE}
    code, out, _ = run("status", *RUN)
    assert code == 0
    assert "Visitors read: We move to a new house." in out
    code, out, _ = run("off", *YES)
    assert code == 0
    assert f"{HOST} answers by the product" in out
    assert stage.seen() == before
    code, out, _ = run("status", *RUN)
    assert (code, "is not under maintenance" in out) == (0, True)


def test_programs_get_one_document_each(run: Run) -> None:
    code, out, _ = run("on", *YES, "--until", "2h", "--json")
    told = json.loads(out)
    assert (code, told["on"], told["hostnames"]) == (0, True, [HOST])
    assert len(told["pass"]) > 40
    _, out, _ = run("status", *RUN, "--json")
    told = json.loads(out)
    assert (told["state"], told["as_recorded"], told["hostnames"], told["loose"]) == ("on", True, [HOST], [])
    _, out, _ = run("off", *YES, "--json")
    assert json.loads(out) == {"stage": "staging", "on": False, "was_on": True, "left": []}


def test_the_pass_is_not_written_where_logs_are_kept(run: Run) -> None:
    _, out, _ = run("on", *YES, "--until", "2h")
    assert "not shown here" in out
    assert "X-Maintenance-Pass" not in out


@pytest.mark.parametrize("act", [("on", "--until", "2h"), ("off",)])
def test_nothing_is_done_without_a_yes_for_this_very_stage(stage: KeptStage, run: Run, act: tuple[str, ...]) -> None:
    name, *more = act
    if name == "off":
        run("on", *YES, "--until", "2h")
    before = stage.seen()
    for given in (RUN, (*RUN, "--yes", "production")):
        code, _, err = run(name, *given, *more)
        assert (code, "--yes staging" in err) == (1, True)
    assert stage.seen() == before


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--until", "yesterday"), "is no time of a day"),
        (("--until", "2020-01-01 04:00"), "has passed"),
        (("--until", "2h", "--message", "m" * 301), "has 301 characters"),
        (("--until", "2h", "--message", f"see ghp_{'a1B2' * 9}"), "everybody would read it"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_done(
    stage: KeptStage, run: Run, more: tuple[str, ...], why: str
) -> None:
    before = stage.seen()
    code, out, err = run("on", *YES, *more)
    assert (code, why in err) == (1, True)
    assert "a1B2" not in out + err
    assert stage.seen() == before


def test_a_stage_that_a_deployment_changes_is_not_interrupted(stage: KeptStage, run: Run) -> None:
    alice = Owner("alice", "laptop", "elsewhere", 4711, 1.0)
    bucket: Any = stage.bucket
    before = stage.seen()
    with Journal(bucket, BUCKET, "staging", me=alice).held():
        code, _, err = run("on", *YES, "--until", "2h")
    assert (code, "alice" in err) == (1, True)
    assert stage.seen() == before


def test_a_hostname_that_follows_late_is_waited_for(edge: Edge, run: Run) -> None:
    edge.late = 5
    assert run("on", *YES, "--until", "2h")[0] == 0


def test_a_hostname_that_never_follows_is_named_and_looked_at_again(edge: Edge, run: Run) -> None:
    edge.late = 1000
    code, _, err = run("on", *YES, "--until", "2h")
    assert (code, HOST in err, "maintenance on staging" in err) == (1, True, True)
    edge.late = 0
    assert run("on", *YES, "--until", "2h")[0] == 0


def test_a_login_before_a_hostname_hides_whether_it_follows(edge: Edge, run: Run, monkeypatch: Any) -> None:
    monkeypatch.setattr(Edge, "handle_request", lambda *_: httpx.Response(302))
    code, out, _ = run("on", *YES, "--until", "2h")
    assert (code, "a login stands before it" in out) == (0, True)


def test_a_route_that_is_gone_is_told_with_the_command_that_mends_it(stage: KeptStage, run: Run) -> None:
    run("on", *YES, "--until", "2h")
    (route,) = stage.api.result("GET", ROUTES)
    stage.api.result("DELETE", f"{ROUTES}/{route['id']}")
    code, out, _ = run("status", *RUN)
    assert code == 3
    assert f"hostnames: {HOST}/* is at work" in out
    assert "fix: bulkhead maintenance on staging" in out
    run("on", *YES, "--until", "2h")
    assert run("status", *RUN)[0] == 0


def test_what_was_changed_meanwhile_is_left_and_named(stage: KeptStage, run: Run) -> None:
    run("on", *YES, "--until", "2h")
    stage.schedule(CLERK, "30 * * * *")
    code, out, _ = run("off", *YES)
    assert code == 0
    assert f"left as it is: crons: {CLERK} runs at 30 * * * * by now" in out


def test_after_an_interruption_it_is_said_how_to_go_on(
    stage: KeptStage, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Edge, "handle_request", _interrupt)
        code, _, err = run("on", *YES, "--until", "2h")
    assert (code, "go on with: bulkhead maintenance on staging" in err) == (130, True)
    assert run("off", *YES)[0] == 0


def _interrupt(*_: Any) -> httpx.Response:
    raise KeyboardInterrupt


def test_a_hostname_of_another_zone_is_named_because_it_goes_on(stage: KeptStage, run: Run) -> None:
    listed = stage.api.resources.store.all(type_=t.WORKERS_CUSTOM_DOMAIN)
    (web,) = [each for each in listed if each.outputs["hostname"] == HOST]
    told = {"hostname": "shop.example.org", "zoneId": "e" * 32}
    foreign = replace(web, id="e" * 32, inputs={**web.inputs, **told}, outputs={**web.outputs, **told})
    stage.api.resources.store.put(foreign)
    code, _, err = run("on", *YES, "--until", "2h")
    assert (code, "shop.example.org is in another zone" in err) == (0, True)


def test_ending_what_is_not_there_needs_no_yes(run: Run) -> None:
    code, out, _ = run("off", *RUN)
    assert (code, "nothing was done" in out) == (0, True)


def test_a_person_at_a_terminal_types_the_stage_and_is_shown_the_pass(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.cli.console.Console.interactive", property(lambda _: True))
    monkeypatch.setattr("sys.stdin", io.StringIO("staging\n"))
    code, out, _ = run("on", *RUN, "--until", "2h")
    assert (code, "X-Maintenance-Pass: " in out, f"https://{HOST}/__maintenance" in out) == (0, True, True)
