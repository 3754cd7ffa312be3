"""People hear how every deployment ended, in words that hold no secret and wake nobody by accident."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients.endpoints import GITHUB
from bulkhead.clients.repeats import Patience
from bulkhead.clients.rest import Rest
from bulkhead.delivery.announce import VERIFIED, Ending, News, message, news_of, tell, verify, webhook_in
from bulkhead.delivery.journal import CONTINUE, Journal
from bulkhead.machine.owner import Owner
from bulkhead.model.faults import Fault, Refused
from tests.support.block_kit import faults
from tests.support.in_process import InProcess
from tests.support.local_github import NAME, OWNER, running
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import make_settings
from tests.support.shared_s3 import BUCKET, Cloud, SharedS3

NEWS = News(
    ending=Ending.STOPPED,
    stage="production",
    commit="a1" * 20,
    who="alice@laptop",
    began=datetime(2026, 11, 30, 12, 0, tzinfo=UTC),
    ended=datetime(2026, 11, 30, 12, 31, 5, tzinfo=UTC),
    moved=["web: 1a2b3c4d 100 % -> 5e6f7a8b 10 %, 1a2b3c4d 90 %"],
    reason="two probes failed on the new version alone",
    next=["bulkhead rollback production"],
    page="https://github.com/acme/harbor/actions/runs/1",
)
ZONE = "Asia/Tokyo"


def _read(shown: Mapping[str, Any]) -> str:
    return json.dumps(shown, ensure_ascii=False)


@pytest.mark.parametrize("ending", Ending)
def test_slack_takes_the_message_of_every_ending(ending: Ending) -> None:
    shown = message(replace(NEWS, ending=ending), ZONE)
    assert faults(shown) == []
    assert f"production: {ending}" in shown["blocks"][0]["text"]["text"]


def test_a_message_says_what_a_person_needs() -> None:
    text = _read(message(NEWS, ZONE))
    for told in (
        "a1a1a1a1a1a1",
        "alice@laptop",
        "2026-11-30 21:00 JST",
        "31 min 5 s",
        "5e6f7a8b 10 %",
        "two probes failed",
        "`bulkhead rollback production`",
        "actions/runs/1",
    ):
        assert told in text


@pytest.mark.parametrize("much", ["x" * 4_000, "&" * 4_000, "<" * 4_000])
def test_slack_takes_a_message_of_any_length(much: str) -> None:
    news = replace(NEWS, stage=much, who=much, reason=much, moved=[much] * 6, next=[much], page=much, commit=much)
    assert faults(message(news, ZONE)) == []


def test_slack_takes_a_message_that_knows_next_to_nothing() -> None:
    at = NEWS.began
    assert faults(message(News(Ending.KILLED, "staging", "", "", at, at), ZONE)) == []


def test_a_limit_does_not_cut_through_an_escaped_sign() -> None:
    [reason] = [one for one in message(replace(NEWS, reason="&" * 5000), ZONE)["blocks"] if "&amp;" in _read(one)]
    assert reason["text"]["text"].replace("&amp;", "") == " ..."


def test_words_of_others_wake_nobody_and_end_no_mark() -> None:
    shown = message(replace(NEWS, reason="<!channel> `a` & b", who="<@U1>", next=["a `b`"]), ZONE)
    assert "<" not in _read(shown)
    assert "&lt;!channel&gt; 'a' &amp; b" in _read(shown)


def test_what_has_the_form_of_a_secret_is_announced_nowhere() -> None:
    token = "github_pat_" + "a1" * 20
    text = _read(message(replace(NEWS, reason=f"refused: {token}", moved=[token], next=[token], who=token), ZONE))
    assert token not in text


def test_slack_that_cannot_be_told_stops_nothing() -> None:
    said: list[str] = []

    def refuse(_webhook: str, _message: Mapping[str, Any]) -> None:
        raise Refused("Slack was not told.", [Fault("the webhook of Slack", "404: no_service")])

    assert not tell(NEWS, "https://example", ZONE, said.append, refuse)
    assert not tell(NEWS, None, ZONE, said.append, refuse)
    assert "no_service" in said[0]
    assert "SLACK_WEBHOOK" in said[1]
    posted = []
    assert tell(NEWS, "https://example", ZONE, said.append, lambda *sent: posted.append(sent))
    assert posted == [("https://example", message(NEWS, ZONE))]


def test_a_workflow_hands_the_webhook_over_as_its_environments_secret() -> None:
    assert webhook_in({"SLACK_WEBHOOK": "https://example"}) == "https://example"
    assert webhook_in({"SLACK_WEBHOOK": ""}) is None  # as where the environment has no such secret


def test_a_killed_run_is_told_from_its_journal_by_who_finds_it(local_s3: InProcessS3) -> None:
    s3: Any = SharedS3(Cloud(local_s3.emptied()))
    alice = Journal(s3, BUCKET, "staging", me=Owner("alice", "laptop", "1", 1, 1.0))
    with alice.held():
        run = alice.begin({"commit": "c" * 40, "shares": {"web": {"old": 100}, "clerk": {"o": 100}}})
        run.note("canary 10 %", {"shares": {"web": {"new": 10, "old": 90}, "clerk": {"o": 100}}})
    bob = Journal(s3, BUCKET, "staging", me=Owner("bob", "runner", "2", 2, 2.0))
    with bob.held():
        found = bob.open_run()
        assert found is not None
        news = news_of(found, "staging", Ending.KILLED, commands=["bulkhead deploy staging"])
        assert (news.commit, news.who, news.reason) == ("c" * 40, "alice@laptop", "canary 10 %")
        assert news.moved == ["web: old 100 % -> new 10 %, old 90 %"]
        found.note(CONTINUE)
        assert news_of(found, "staging", Ending.SUCCEEDED).who == "alice@laptop, then bob@runner"


@pytest.mark.slow
def test_a_verified_deployment_has_a_commit_status_in_its_repository(tmp_path: Path) -> None:
    said: list[str] = []
    base = make_settings("production")
    settings = base.model_copy(update={"github": base.github.model_copy(update={"owner": OWNER, "repository": NAME})})
    with running(tmp_path) as github:

        def status(token: str, commit: str, *, good: bool, why: str = "watched for 30 minutes") -> bool:
            api = GITHUB.at("http://127.0.0.1:1")
            with Rest(api, github.tokens[token], InProcess(github.app), Patience(lambda _: None)) as rest:
                return verify(rest, settings, commit, good=good, why=why, page="", say=said.append)

        assert status("github-actions", github.main, good=False, why="x" * 500)
        assert status("github-actions", github.main, good=True)
        assert not status("reader", github.main, good=True)
        assert not status("github-actions", "f" * 40, good=True)
        with github.client(github.tokens["github-actions"]) as client:
            answer = client.get(f"/repos/{OWNER}/{NAME}/commits/{github.main}/status").json()
    assert [(one["context"], one["state"]) for one in answer["statuses"]] == [(VERIFIED, "success")]
    assert len(said) == 2
