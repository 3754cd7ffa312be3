"""What `bulkhead deploy` ends with: 0 done, 1 stopped and safe, 2 usage, 3 a person has to act, 130 interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.clients.workers import Share
from bulkhead.delivery.announce import Ending, message, news_of
from bulkhead.delivery.journal import CONTINUE, END, Journal, Outcome
from bulkhead.delivery.observed import Count, Probes
from bulkhead.delivery.orders import OrderKind
from bulkhead.delivery.run import RETURN
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.machine.interrupts import interrupted_once
from bulkhead.machine.owner import Owner
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from tests.support.deploying import Desk, Kept, deploy
from tests.support.memory_s3 import MemoryS3
from tests.support.moving_stage import NEW, SCRIPTS, STABLE, Outside, plan

ALL_NEW = {worker: {version: 100.0} for worker, version in NEW.items()}
ALL_STABLE = {worker: {version: 100.0} for worker, version in STABLE.items()}
GOOD = (Count(9000, 9), Count(1000, 1), Probes(asked=5))


@pytest.fixture
def desk() -> Desk:
    outside = Outside()
    outside.shows = lambda _at, _percent: GOOD
    client: Any = MemoryS3()
    return Desk(outside, Journal(client, "a-bucket", "production", patience=0.05))


def later(desk: Desk, **changes: Any) -> Desk:
    """Return the desk of the next process, where another commit may be checked out."""
    client: Any = desk.journal.documents.objects._s3
    me = Owner("alice", "laptop", "boot", 4001, 1.0)
    shown = replace(desk.shown, **changes)
    return Desk(desk.outside, Journal(client, "a-bucket", "production", me=me, patience=0.05), shown)


def test_a_release_that_everybody_has_ends_with_0(desk: Desk) -> None:
    assert deploy(desk) == 0
    assert desk.outside.live() == ALL_NEW


def test_a_release_that_went_back_ends_with_1(desk: Desk) -> None:
    desk.outside.shows = lambda _at, _percent: (GOOD[0], GOOD[1], Probes(asked=5, new_alone=1))
    assert deploy(desk) == 1
    assert desk.outside.live() == ALL_STABLE


def test_an_upload_that_fails_ends_with_1_because_nobody_had_met_it(desk: Desk) -> None:
    desk.outside.up_fails = Failed("the engine failed")
    assert deploy(desk) == 1
    assert desk.journal.open_run() is None


def test_wrong_usage_ends_with_2() -> None:
    assert main(["deploy", "production", "--no-such-option"]) == 2


def test_what_nothing_decides_ends_with_3(desk: Desk) -> None:
    desk.outside.shows = lambda _at, _percent: (Count(), Count(), Probes(asked=5))
    assert deploy(desk) == 3


@pytest.mark.parametrize(
    "error",
    [Failed("the engine failed"), Refused("No.", [Fault("a trigger", "is refused", "mend it")])],
    ids=["failed", "refused"],
)
def test_triggers_that_fail_end_with_3_and_the_same_command_goes_on_there(
    desk: Desk, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_versions: Any) -> Any:
        desk.outside.up_fails = error if _versions is None else None
        return ()

    desk.outside.wrong = fail  # the `up` of the triggers comes after what everybody gets was tried
    assert deploy(desk) == 3
    assert "bulkhead deploy production" in capsys.readouterr().out
    assert {worker: max(split, key=split.__getitem__) for worker, split in desk.outside.live().items()} == NEW
    desk.outside.up_fails, desk.outside.wrong = None, lambda _versions: ()
    assert deploy(later(desk)) == 0
    assert desk.outside.live() == ALL_NEW
    assert desk.outside.ups == ["without triggers", "all"]


def test_traffic_that_somebody_else_moves_ends_with_3(desk: Desk) -> None:
    def wrong(_versions: Any) -> Any:
        desk.outside.deploy(SCRIPTS["web"], [Share("web-9", 100)], "by hand")
        return ()

    desk.outside.wrong = wrong
    assert deploy(desk) == 3
    assert desk.journal.open_run() is not None


@pytest.mark.parametrize("first", [{"classes": ("booking",)}, {"moves": "first"}], ids=["classes", "first versions"])
def test_what_cannot_go_back_is_followed_by_the_release_that_mends_it(desk: Desk, first: dict[str, Any]) -> None:
    if "moves" in first:
        first = {"moves": tuple(replace(move, stable="") for move in plan().moves)}
    desk.outside.up_fails = Failed("the engine failed")
    bad = later(desk, strategy="all-at-once", **first)
    assert deploy(bad) == 3
    assert deploy(later(bad)) == 3
    desk.outside.up_fails = None
    assert deploy(later(desk, commit="f" * 40)) == 0
    assert [run.ended for run in desk.journal.runs()] == [Outcome.DONE, Outcome.PERSON]
    assert desk.outside.live() == ALL_NEW


def test_production_asks_what_staging_said_and_a_person_may_say_why_it_does_without(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(desk, "--json") == 1
    assert "--validation FILE --checklist FILE" in json.loads(capsys.readouterr().out)["faults"][0]["fix"]
    assert desk.outside.live() == ALL_STABLE
    assert list(desk.journal.runs()) == []
    assert deploy(desk, "--unvalidated", "GitHub is away, and Kana has looked") == 0
    [run] = desk.journal.runs()
    assert run.entries()[0].facts["unvalidated"] == "GitHub is away, and Kana has looked"
    told = json.dumps(message(news_of(run, "production", Ending.SUCCEEDED), "UTC"))
    assert "Not validated by staging" in told
    assert "GitHub is away, and Kana has looked" in told


def test_what_has_begun_goes_on_without_being_asked_again(desk: Desk) -> None:
    desk.outside.shows = lambda _at, _percent: (Count(), Count(), Probes(asked=5))
    assert deploy(desk) == 3
    desk.outside.shows = lambda _at, _percent: GOOD
    run = desk.journal.open_run()
    assert run is not None
    run.order(OrderKind.PROMOTE)
    assert deploy(later(desk), "--profile", "a-person") == 0


def test_only_the_first_interrupt_ends_a_command() -> None:
    given_back = []

    @contextmanager
    def held() -> Iterator[None]:
        try:
            yield
        finally:
            signal.raise_signal(signal.SIGINT)
            given_back.append("the stage")

    with pytest.raises(KeyboardInterrupt), interrupted_once(), held():
        signal.raise_signal(signal.SIGINT)
    assert given_back == ["the stage"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Processes:
    """Starts deployments, each a process of its own; the stage is in a file, its journal in a local AWS."""

    def __init__(self, aws: LocalAws, account: str, folder: Path) -> None:
        s3, bucket = aws.client(account, "s3"), f"harbor-production-state-{account}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
        self.file = folder / "outside"
        self.journal = Journal(s3, bucket, "production")
        self._command = [sys.executable, "-m", "tests.support.deploying", aws.endpoint, account, bucket, str(self.file)]
        self.started: list[subprocess.Popen[str]] = []

    def start(self, at: int = 0) -> subprocess.Popen[str]:
        """Start one that waits at a call of the outside world to be killed, and return when it does."""
        process = subprocess.Popen([*self._command, str(at)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(process)
        assert process.stdout is not None
        while at and (line := process.stdout.readline()) and line != "here\n":
            pass
        return process


@pytest.fixture
def processes(local_aws: LocalAws, account: str, tmp_path: Path) -> Iterator[Processes]:
    made = Processes(local_aws, account, tmp_path)
    yield made
    for each in made.started:
        each.kill()
        each.communicate()


def interrupt(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)


def interrupt_as_timeout_does(process: subprocess.Popen[str]) -> None:
    for _ in range(2):
        process.send_signal(signal.SIGINT)


# At these calls it uploads, moves a first share, and follows with what triggers.
UPLOADING, AT_10, TRIGGERING = 1, 5, 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "end", "code", "why"),
    [
        (UPLOADING, interrupt, 130, "it was given back"),
        (AT_10, interrupt_as_timeout_does, 130, "it was given back"),
        (TRIGGERING, interrupt, 130, "it was given back"),
        (UPLOADING, subprocess.Popen.kill, -signal.SIGKILL, "is gone"),
        (AT_10, subprocess.Popen.kill, -signal.SIGKILL, "is gone"),
        (TRIGGERING, subprocess.Popen.kill, -signal.SIGKILL, "is gone"),
    ],
)
def test_who_ends_a_deployment_leaves_everything_as_it_is_and_the_next_one_goes_on(
    processes: Processes, at: int, end: Callable[[subprocess.Popen[str]], None], code: int, why: str
) -> None:
    process = processes.start(at)
    before = Kept(processes.file).live()
    end(process)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    run = processes.journal.open_run()
    assert run is not None
    assert not {RETURN, END} & {entry.step for entry in run.entries()}
    assert Kept(processes.file).live() == before
    second = processes.start()
    _, said = second.communicate(timeout=60)
    assert second.returncode == 0, said
    [again] = [entry for entry in run.entries() if entry.step == CONTINUE]
    assert why in again.facts["why"]
    assert run.ended is Outcome.DONE
    assert Kept(processes.file).live() == ALL_NEW
