"""Whoever has to know hears how each run ended, once, and that nobody could be told never changes how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx
import pytest

from bulkhead.clients.endpoints import GITHUB
from bulkhead.clients.rest import Rest
from bulkhead.delivery import announce
from bulkhead.delivery.journal import CONTINUE, Journal, Outcome, Run
from bulkhead.delivery.lease import GIVEN_BACK, Lost
from bulkhead.delivery.observed import Count, Probes
from bulkhead.delivery.run import Deployment
from bulkhead.delivery.telling import Telling
from bulkhead.machine.owner import Owner
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from tests.support.memory_s3 import MemoryS3
from tests.support.moving_stage import COMMIT, Outside, delivery, plan
from tests.support.settings_fixture import make_settings

HOOK = "https://hooks.slack.com" + "/services/T0/B0/never-to-be-shown"
TOKEN = "ghs_never-to-be-shown"
IN_A_WORKFLOW = {
    "SLACK_WEBHOOK": HOOK,
    "GITHUB_TOKEN": TOKEN,
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/harbor",
    "GITHUB_RUN_ID": "7",
}
ALICE = Owner("alice", "laptop", "elsewhere-1", 4711, 1.0)
BOB = Owner("bob", "runner", "elsewhere-2", 4712, 2.0)


class People:
    """Everybody who may hear of a run: a channel of Slack, a commit of GitHub, and who sits at the terminal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.channel: list[Mapping[str, Any]] = []
        self.commit: list[tuple[str, Mapping[str, Any]]] = []
        self.said: list[str] = []
        self.away = False
        monkeypatch.setattr("bulkhead.delivery.telling.tell", partial(announce.tell, post=self._post))
        transport = httpx.MockTransport(self._status)
        monkeypatch.setattr("bulkhead.delivery.telling.Rest", partial(Rest, transport=transport))

    def telling(self, stage: str = "production", environ: Mapping[str, str] | None = None) -> Telling:
        given = IN_A_WORKFLOW if environ is None else environ
        return Telling(make_settings(stage), GITHUB, self.said.append, given)

    def heard(self) -> list[str]:
        return [message["blocks"][0]["text"]["text"].partition(" ")[2] for message in self.channel]

    def everything(self) -> str:
        return json.dumps([self.channel, self.commit, self.said], ensure_ascii=False)

    def _post(self, webhook: str, message: Mapping[str, Any]) -> None:
        assert webhook == HOOK
        if self.away:
            raise Refused("Slack was not told.", [Fault("the webhook of Slack", "404: no_service")])
        self.channel.append(message)

    def _status(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        if self.away:
            return httpx.Response(403, json={"message": "Resource not accessible by integration"})
        self.commit.append((request.url.path.rpartition("/")[2], json.loads(request.content)))
        return httpx.Response(201, json={})


@pytest.fixture
def people(monkeypatch: pytest.MonkeyPatch) -> People:
    return People(monkeypatch)


@pytest.fixture
def s3() -> Any:
    return MemoryS3()


@pytest.fixture
def journal(s3: Any) -> Journal:
    return Journal(s3, "a-bucket", "production", me=ALICE)


def carried_out(journal: Journal, outside: Outside, telling: Telling) -> tuple[Outcome | None, str]:
    with journal.held():
        run = journal.begin({"commit": COMMIT})
        return telling.carried_out(delivery(outside, journal, run, plan()))


def done(_outside: Outside) -> None: ...


def fails_its_smoke(outside: Outside) -> None:
    outside.wrong = lambda versions: ["a booking: 500"] if versions else ()


def says_nothing(outside: Outside) -> None:
    outside.shows = lambda _at, _percent: (Count(), Count(), Probes())


@pytest.mark.parametrize(
    ("becomes", "ending", "state"),
    [
        (done, "production: deployed", "success"),
        (fails_its_smoke, "production: stopped, and safe", "failure"),
        (says_nothing, "production: waits for a person", "failure"),
    ],
)
def test_the_channel_and_the_commit_hear_once_how_a_run_ended(
    people: People, journal: Journal, becomes: Callable[[Outside], None], ending: str, state: str
) -> None:
    becomes(outside := Outside())
    _outcome, reason = carried_out(journal, outside, people.telling())
    assert people.heard() == [ending]
    [(commit, status)] = people.commit
    assert (commit, status["context"], status["state"]) == (COMMIT, announce.VERIFIED, state)
    assert status["target_url"] == "https://github.com/acme/harbor/actions/runs/7"
    assert reason[:60] in people.everything()


def test_a_failure_is_told_and_still_raised(people: People, journal: Journal) -> None:
    outside = Outside(up_fails=Failed("the engine failed", [f"with {TOKEN}"]))
    with pytest.raises(Failed, match="the engine failed"):
        carried_out(journal, outside, people.telling())
    assert people.heard() == ["production: failed"]
    assert people.commit[0][1]["state"] == "failure"
    assert "bulkhead rollout production show" in people.everything()
    assert TOKEN not in people.everything()


def test_who_has_lost_the_run_to_another_process_tells_no_ending(people: People, journal: Journal, s3: Any) -> None:
    outside = Outside()

    def another_goes_on(_versions: Any) -> Any:
        [run] = Journal(s3, "a-bucket", "production", me=BOB).runs()
        run.note(CONTINUE)
        return ()

    outside.wrong = another_goes_on
    with pytest.raises(Lost):
        carried_out(journal, outside, people.telling())
    assert people.heard() == []
    assert people.commit == []


def test_a_run_that_is_given_up_for_another_commit_ends_for_everybody(people: People, journal: Journal) -> None:
    with journal.held():
        run = journal.begin({"commit": COMMIT})
        outcome, _ = people.telling().given_up(delivery(Outside(), journal, run, plan()), "another is deployed")
    assert outcome is Outcome.STOPPED
    assert people.heard() == ["production: stopped, and safe"]
    assert [status["state"] for _, status in people.commit] == ["failure"]


@pytest.mark.parametrize(("why", "heard"), [("alice@laptop is gone", 1), (GIVEN_BACK, 0)])
def test_a_run_was_killed_when_its_process_did_not_give_the_stage_back(
    people: People, journal: Journal, why: str, heard: int
) -> None:
    with journal.held():
        run = journal.begin({"commit": COMMIT})
        people.telling().found(run, why)
    assert people.heard() == ["production: was killed"] * heard
    assert people.commit == [], "it has not ended"


@pytest.mark.parametrize("stage", ["staging", "development"])
def test_only_a_commit_in_production_is_verified(people: People, journal: Journal, stage: str) -> None:
    carried_out(journal, Outside(), people.telling(stage))
    assert people.commit == []
    assert people.heard() == [f"{stage}: deployed"]


@pytest.mark.parametrize("missing", ["SLACK_WEBHOOK", "GITHUB_TOKEN"])
def test_who_cannot_be_reached_from_here_is_left_out_and_the_other_is_told(
    people: People, journal: Journal, missing: str
) -> None:
    environ = {name: value for name, value in IN_A_WORKFLOW.items() if name != missing}
    assert carried_out(journal, Outside(), people.telling(environ=environ))[0] is Outcome.DONE
    assert (len(people.channel), len(people.commit)) == ((0, 1) if missing == "SLACK_WEBHOOK" else (1, 0))
    assert any("not set" in line and missing in line for line in people.said)


def test_that_nobody_could_be_told_is_said_and_changes_nothing(people: People, journal: Journal) -> None:
    people.away = True
    assert carried_out(journal, Outside(), people.telling())[0] is Outcome.DONE
    assert "no_service" in people.everything()
    assert "statuses" in people.everything()
    assert HOOK not in people.everything()
    assert TOKEN not in people.everything()


def test_a_journal_that_cannot_be_read_hides_no_failure(
    people: People, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_self: Deployment) -> Any:
        monkeypatch.setattr(Run, "entries", unreadable)
        raise Failed("the engine failed")

    def unreadable(_self: Run) -> Any:
        raise Refused("The bucket is away.", [Fault("s3", "no answer")])

    monkeypatch.setattr(Deployment, "go", fails)
    with pytest.raises(Failed, match="the engine failed"):
        carried_out(journal, Outside(), people.telling())
    assert "Nobody was told" in people.everything()


def test_a_token_that_is_none_changes_nothing(people: People, journal: Journal) -> None:
    environ = {**IN_A_WORKFLOW, "GITHUB_TOKEN": "two words"}
    assert carried_out(journal, Outside(), people.telling(environ=environ))[0] is Outcome.DONE
    assert people.heard() == ["production: deployed"]
    assert "two words" not in people.everything()
