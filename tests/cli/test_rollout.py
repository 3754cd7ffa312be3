"""`bulkhead rollout`: how a deployment stands, and what a person at a second terminal can have it do."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.delivery.journal import Journal, Outcome, Run
from bulkhead.machine.owner import Owner, this_process
from tests.support.checkout import work_in
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import write_stage_files
from tests.support.shared_s3 import Cloud, SharedS3

BUCKET = "harbor-staging-state-222222222222"
ALICE = Owner("alice", "laptop", "elsewhere", 4711, 1.0)
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cloud(tmp_path: Path, local_s3: InProcessS3, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    work_in(monkeypatch, tmp_path)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    write_stage_files(tmp_path)
    made = Cloud(local_s3.emptied())
    made.client.create_bucket(Bucket=BUCKET)
    monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: lambda service: SharedS3(made))
    return made


@pytest.fixture
def rollout(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["rollout", *arguments])
        return code, *capsys.readouterr()

    return call


def _journal(cloud: Cloud, me: Owner = ALICE, stack: str = "staging") -> Journal:
    s3: Any = SharedS3(cloud)
    return Journal(s3, BUCKET, stack, me=me)


@pytest.fixture
def deployment(cloud: Cloud) -> Callable[[], tuple[AbstractContextManager[str], Run]]:
    """Begin a deployment of alice's that is at its canary; it goes on until its lease is given back."""

    def begin() -> tuple[AbstractContextManager[str], Run]:
        journal = _journal(cloud)
        held = journal.held()
        held.__enter__()
        run = journal.begin({"commit": "c" * 40, "shares": {"web": {"old": 100}}})
        run.note("canary 10 %", {"shares": {"web": {"new": 10, "old": 90}}, "evidence": "0 of 14 probes failed"})
        return held, run

    return begin


Begin = Callable[[], tuple[AbstractContextManager[str], Run]]


def _end(held: AbstractContextManager[str]) -> None:
    held.__exit__(None, None, None)


def test_a_running_deployment_is_shown_with_traffic_evidence_and_who_runs_it(rollout: Call, deployment: Begin) -> None:
    held, run = deployment()
    try:
        code, out, _ = rollout("staging", "show")
        assert code == 0
        for told in (
            run.id,
            "cccccccccccc",
            "It goes on.",
            "canary 10 %",
            "new 10 %, old 90 %",
            "0 of 14 probes failed",
        ):
            assert told in out
        assert "alice@laptop, process 4711 has the stage since" in out
        assert "JST" in out
        code, out, _ = rollout("staging", "show", "--json")
        document = json.loads(out)
        assert (document["state"], document["run"], document["outcome"]) == ("running", run.id, None)
        assert [each["step"] for each in document["entries"]] == ["begin", "canary 10 %"]
        assert document["lease"]["by"] == "alice@laptop, process 4711"
    finally:
        _end(held)


@pytest.mark.parametrize(
    ("action", "wanted"), [("pause", "pause"), ("promote", "promote"), ("abort", "abort"), ("resume", None)]
)
def test_an_order_reaches_the_running_deployment(
    rollout: Call, deployment: Begin, action: str, wanted: str | None
) -> None:
    held, run = deployment()
    try:
        code, out, _ = rollout("staging", action)
        assert code == 0
        assert "alice@laptop, process 4711 is told" in out
        found = run.asked(run.entries()[-1])
        given = [name for name in ("pause", "promote", "abort") if getattr(found, name)]
        assert given == ([wanted] if wanted else [])
        assert run.orders()[0].by == this_process()
        assert f"{action} was asked for by {this_process()}" in rollout("staging", "show")[1]
    finally:
        _end(held)


@pytest.mark.parametrize("action", ["pause", "promote", "abort", "resume"])
def test_a_killed_deployment_is_not_told_anything_but_a_person_is(
    rollout: Call, deployment: Begin, cloud: Cloud, action: str
) -> None:
    held, run = deployment()
    cloud.pass_time(100)  # its machine sleeps
    code, _, err = rollout("staging", action)
    assert code == 3
    assert "bulkhead deploy staging continues or returns it" in err
    assert "bulkhead rollback staging" in err
    assert "canary 10 %" in err
    assert run.orders() == ()
    code, out, _ = rollout("staging", "show")
    assert code == 0
    assert "nobody goes on with it" in out
    assert "bulkhead deploy staging" in out
    _end(held)


@pytest.mark.parametrize("action", ["promote", "abort"])
def test_a_deployment_that_waits_for_a_person_is_told_what_the_person_decides(
    rollout: Call, deployment: Begin, action: str
) -> None:
    held, run = deployment()
    run.note("facts", {"reason": "for 15 minutes nothing is known of what users met"})
    _end(held)
    code, out, _ = rollout("staging", action)
    assert code == 0
    assert "bulkhead deploy staging" in out
    assert [order.kind for order in run.orders()] == [action]


def test_a_dead_process_of_this_machine_is_known_at_once(rollout: Call, cloud: Cloud) -> None:
    journal = _journal(cloud, replace(this_process(), pid=2**22 - 1))
    journal.lease.take()
    journal.begin({"commit": "c" * 40})
    assert rollout("staging", "abort")[0] == 3


def test_where_nothing_is_under_way_there_is_nobody_to_tell(rollout: Call, deployment: Begin) -> None:
    code, _, err = rollout("staging", "abort")
    assert code == 1
    assert "Nothing is under way in staging." in err
    held, run = deployment()
    run.end(Outcome.DONE)
    _end(held)
    assert rollout("staging", "pause")[0] == 1
    code, out, _ = rollout("staging", "show")
    assert code == 0
    assert "It has ended: done." in out


def test_a_stage_that_was_never_deployed_is_shown_as_that(rollout: Call) -> None:
    code, out, _ = rollout("staging", "show")
    assert code == 0
    assert "staging was never deployed" in out
    assert json.loads(rollout("staging", "show", "--json")[1]) == {"stage": "staging", "run": None}


def test_a_stack_of_a_pull_request_has_its_journal_where_development_has_its_own(rollout: Call, cloud: Cloud) -> None:
    bucket = "harbor-development-state-111111111111"
    cloud.client.create_bucket(Bucket=bucket)
    assert rollout("pr-42", "show")[0] == 0


@pytest.mark.parametrize("arguments", [("staging",), ("staging", "stop"), ("staging", "show", "x")])
def test_wrong_usage_is_told_apart_from_a_stopped_deployment(rollout: Call, arguments: tuple[str, ...]) -> None:
    assert rollout(*arguments)[0] == 2


def test_a_stage_without_its_bucket_is_told_what_makes_it(rollout: Call, cloud: Cloud) -> None:
    cloud.client.delete_bucket(Bucket=BUCKET)
    code, _, err = rollout("staging", "show")
    assert code == 1
    assert "bulkhead bootstrap" in err
