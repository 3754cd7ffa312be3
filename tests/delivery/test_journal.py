"""A deployment that was killed anywhere is continued from its journal, by exactly one process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bulkhead.clients.objects import Unreachable
from bulkhead.delivery.journal import BEGIN, CONTINUE, DEPLOYMENT, END, RESTORE, Doing, Journal, Outcome
from bulkhead.delivery.lease import Lost
from bulkhead.delivery.orders import Order, OrderKind, asked
from bulkhead.machine.owner import Owner, this_process
from bulkhead.model.faults import Refused
from tests.support.s3 import InProcessS3
from tests.support.shared_s3 import BUCKET, Cloud, SharedS3, no_answer, once

FACTS = {"commit": "a" * 40, "plan": "b" * 64, "shares": {"web": {"v1": 100}}}
ALICE = Owner("alice", "laptop", "elsewhere-1", 4711, 1.0)
BOB = Owner("bob", "runner", "elsewhere-2", 4712, 2.0)


@pytest.fixture
def cloud(local_s3: InProcessS3, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr("bulkhead.delivery.journal._PAUSE", 0.01)
    return Cloud(local_s3.emptied())


@pytest.fixture
def journal(cloud: Cloud) -> Callable[..., Journal]:
    def of(me: Owner = ALICE, s3: Any = None, stack: str = "staging", **more: Any) -> Journal:
        client: Any = s3 or SharedS3(cloud)
        return Journal(client, BUCKET, stack, me=me, **{"patience": 0.05, **more})

    return of


Journals = Callable[..., Journal]


def _steps(journal: Journal) -> list[str]:
    run = next(journal.runs())
    return [each.step for each in run.entries()]


def test_what_a_run_notes_is_read_by_another_process(journal: Journals) -> None:
    alice, bob = journal(ALICE), journal(BOB)
    with alice.held():
        run = alice.begin(FACTS)
        run.note("up", {"shares": {"web": {"v2": 0, "v1": 100}}})
    seen = bob.open_run()
    assert seen is not None
    assert [(each.number, each.step, each.by) for each in seen.entries()] == [(1, BEGIN, ALICE), (2, "up", ALICE)]
    assert seen.entries()[0].facts == FACTS
    assert run.id == seen.id


def test_a_run_that_was_killed_has_no_end_and_is_continued(journal: Journals) -> None:
    with (alice := journal(ALICE)).held():
        alice.begin(FACTS)
    bob = journal(BOB)
    with bob.held():
        run = bob.open_run()
        assert run is not None
        run.note(CONTINUE, {"why": "alice is gone"})
        run.end(Outcome.DONE)
    assert _steps(bob) == [BEGIN, CONTINUE, END]
    assert bob.open_run() is None
    assert next(bob.runs()).ended is Outcome.DONE


def test_no_run_begins_while_another_has_no_end(journal: Journals) -> None:
    alice = journal()
    with alice.held():
        alice.begin(FACTS)
        with pytest.raises(Refused, match="bulkhead deploy staging"):
            alice.begin(FACTS)


def test_runs_are_told_newest_first_also_of_one_second(journal: Journals) -> None:
    alice = journal()
    ids = []
    with alice.held():
        for _ in range(3):
            run = alice.begin(FACTS)
            run.end(Outcome.DONE)
            ids.append(run.id)
    assert [run.id for run in journal(BOB).runs()] == ids[::-1]
    assert len(set(ids)) == 3


def test_a_process_that_was_believed_dead_loses_its_next_entry(journal: Journals, cloud: Cloud) -> None:
    alice, bob = journal(ALICE), journal(BOB)
    with alice.held():
        run = alice.begin(FACTS)
        cloud.pass_time(100)  # alice sleeps
        with bob.held() as why:
            assert "alice@laptop" in why
            continued = bob.open_run()
            assert continued is not None
            continued.note(CONTINUE)
            with pytest.raises(Lost, match="bob@runner"):
                run.note("traffic")
        assert _steps(bob) == [BEGIN, CONTINUE]


def test_of_two_writers_of_one_number_the_second_loses(journal: Journals, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = journal(ALICE), journal(BOB)
    monkeypatch.setattr(alice.lease, "require", lambda: None)  # both believe that they have the stage
    monkeypatch.setattr(bob.lease, "require", lambda: None)
    first = alice.begin(FACTS)
    second = bob.open_run()
    assert second is not None
    first.note("one")
    with pytest.raises(Lost, match="alice@laptop"):
        second.note(CONTINUE)


def test_writers_of_one_number_in_many_threads_have_one_winner(
    journal: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = journal(ALICE)
    with alice.held():
        alice.begin(FACTS)
        runs = []
        for number in range(8):
            one = journal(replace(ALICE, pid=number))
            monkeypatch.setattr(one.lease, "require", lambda: None)
            run = one.open_run()
            assert run is not None
            runs.append(run)
        won, lost = [], []
        line = threading.Barrier(len(runs))

        def write(run: Any) -> None:
            line.wait()
            try:
                won.append(run.note(CONTINUE))
            except Lost:
                lost.append(run)

        threads = [threading.Thread(target=write, args=(run,)) for run in runs]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert (len(won), len(lost)) == (1, 7)
    assert _steps(alice) == [BEGIN, CONTINUE]


def test_an_entry_whose_answer_was_lost_counts_once(journal: Journals, cloud: Cloud) -> None:
    s3 = SharedS3(cloud)
    alice = journal(ALICE, s3, patience=10.0)
    with alice.held():
        run = alice.begin(FACTS)
        s3.after = once("put_object", "00002.json")
        run.note("up")
        run.note("smoke")
    assert _steps(alice) == [BEGIN, "up", "smoke"]


def test_without_its_bucket_a_run_says_so_and_does_nothing_more(journal: Journals, cloud: Cloud) -> None:
    s3, said = SharedS3(cloud), list[str]()
    alice = journal(ALICE, s3, say=said.append)
    with alice.held():
        run = alice.begin(FACTS)

        def away(_operation: str, _key: str) -> None:
            raise no_answer()

        s3.before = away
        with pytest.raises(Unreachable, match="bulkhead deploy staging continues"):
            run.note("traffic")
        assert len(said) == 1
        assert "staging stays as it is" in said[0]
        s3.before = lambda _operation, _key: None
    assert _steps(journal(BOB)) == [BEGIN]


def test_a_bucket_that_comes_back_is_waited_for(journal: Journals, cloud: Cloud) -> None:
    s3, said = SharedS3(cloud), list[str]()
    alice = journal(ALICE, s3, say=said.append, patience=10.0)
    with alice.held():
        run = alice.begin(FACTS)
        s3.before = once("put_object", "00002.json")
        run.note("traffic")
    assert len(said) == 1
    assert _steps(alice) == [BEGIN, "traffic"]


def test_whoever_lost_the_stage_while_the_bucket_was_away_does_not_go_on(
    journal: Journals, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr("bulkhead.clients.objects.time.time", lambda: real() + cloud.ahead)
    s3, bob = SharedS3(cloud), journal(BOB)
    alice = journal(ALICE, s3, patience=10.0)
    with alice.held():
        run = alice.begin(FACTS)
        lose, taken = once("put_object", "00002.json"), list[str]()

        def away(operation: str, key: str) -> None:
            if key.endswith("00002.json") and not taken:
                cloud.pass_time(100)
                taken.append(bob.lease.take())
            lose(operation, key)

        s3.before = away
        with pytest.raises(Lost, match="bob@runner"):
            run.note("traffic")
    assert _steps(bob) == [BEGIN]


def test_a_stack_without_bucket_is_told_what_makes_it(cloud: Cloud) -> None:
    s3: Any = SharedS3(cloud)
    alice = Journal(s3, "no-such-bucket-anywhere", "staging", me=ALICE)
    with pytest.raises(Refused, match="bulkhead bootstrap"), alice.held():
        pass


def test_nothing_is_noted_by_whoever_does_not_have_the_stage(journal: Journals) -> None:
    alice = journal()
    with alice.held():
        run = alice.begin(FACTS)
    with pytest.raises(Lost):
        run.note("traffic")
    with pytest.raises(Lost):
        journal(BOB).begin(FACTS)


def test_another_processs_run_is_not_gone_on_with_in_silence(journal: Journals) -> None:
    with (alice := journal(ALICE)).held():
        alice.begin(FACTS)
    with (bob := journal(BOB)).held():
        run = bob.open_run()
        assert run is not None
        with pytest.raises(RuntimeError, match=CONTINUE):
            run.note("traffic")


def test_two_stacks_in_one_bucket_do_not_see_each_other(journal: Journals) -> None:
    with (one := journal(stack="development")).held(), (other := journal(stack="pr-42")).held():
        one.begin(FACTS)
        assert other.open_run() is None


def test_the_engines_state_is_never_touched(journal: Journals, cloud: Cloud) -> None:
    state = ".pulumi/stacks/harbor/staging.json"
    cloud.client.put_object(Bucket=BUCKET, Key=state, Body=b"{}")
    with (alice := journal()).held():
        alice.begin(FACTS).end(Outcome.DONE)
    assert cloud.body(state) == "{}"
    assert all(key == state or key.startswith("delivery/staging/") for key in cloud.names())


def test_what_looks_like_a_secret_is_not_written_down(journal: Journals, cloud: Cloud) -> None:
    token = "github_pat_" + "a1" * 20
    with (alice := journal()).held():
        alice.begin({**FACTS, "reason": [f"GitHub said: {token} is wrong"]})
    assert token not in "".join(map(cloud.body, cloud.names()))
    run = alice.open_run()
    assert run is not None
    assert run.entries()[0].facts == {**FACTS, "reason": ["(a GitHub token stood here)"]}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (json.dumps({"format": 2, "step": "begin"}), "newer Bulkhead"),
        ("no JSON", "is no document"),
        (json.dumps({"format": 1, "step": "begin"}), "is no document"),
        (json.dumps([1]), "is no document"),
    ],
)
def test_an_entry_that_cannot_be_understood_is_refused_in_words(
    journal: Journals, cloud: Cloud, body: str, told: str
) -> None:
    key = "delivery/staging/20261130T120000Z/00001.json"
    cloud.client.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    with pytest.raises(Refused, match=told) as refused:
        journal().open_run()
    assert refused.value.faults[0].key == key


def test_a_missing_entry_is_not_passed_over(journal: Journals, cloud: Cloud) -> None:
    with (alice := journal()).held():
        run = alice.begin(FACTS)
        run.note("one")
        run.note("two")
    cloud.client.delete_object(Bucket=BUCKET, Key=f"delivery/staging/{run.id}/00002.json")
    with pytest.raises(Refused, match=r"00002\.json: is missing"):
        journal(BOB).open_run()


def test_orders_of_a_second_terminal_reach_the_run(journal: Journals) -> None:
    alice, bob = journal(ALICE), journal(BOB)
    with alice.held():
        run = alice.begin(FACTS)
        wait = run.note("canary 10 %")
        theirs = bob.open_run()
        assert theirs is not None
        theirs.order(OrderKind.PAUSE)
        found = run.asked(wait)
        assert found.pause is not None
        assert found.pause.by == BOB
        theirs.order(OrderKind.RESUME)
        theirs.order(OrderKind.PROMOTE)
        found = run.asked(wait)
        assert found.pause is None
        assert found.promote is not None
        assert run.asked(run.note("canary 50 %")).promote is None
        assert found.abort is None
        theirs.order(OrderKind.ABORT)
        assert run.asked(wait).abort is not None


def test_orders_given_at_once_are_all_kept(journal: Journals) -> None:
    with (alice := journal(ALICE)).held():
        run = alice.begin(FACTS)
        runs = [journal(replace(BOB, pid=number)).open_run() for number in range(5)]
        threads = [threading.Thread(target=one.order, args=(OrderKind.PROMOTE,)) for one in runs if one]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len({order.by.pid for order in run.orders()}) == 5


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        ([], ()),
        ([OrderKind.PAUSE], ("pause",)),
        ([OrderKind.PAUSE, OrderKind.RESUME], ()),
        ([OrderKind.ABORT, OrderKind.RESUME], ("abort",)),
        ([OrderKind.PAUSE, OrderKind.PROMOTE], ("pause", "promote")),
        ([OrderKind.RESUME, OrderKind.PAUSE], ("pause",)),
    ],
)
def test_the_last_word_counts_but_an_abort_stays(kinds: list[OrderKind], wanted: tuple[str, ...]) -> None:
    now, at = datetime.now(UTC), this_process()
    orders = [Order(kind, 3, now, at) for kind in kinds]
    found = asked(orders, since=3)
    assert tuple(name for name in ("abort", "pause", "promote") if getattr(found, name)) == wanted
    assert asked(orders, since=4).promote is None


@pytest.mark.parametrize("first", [DEPLOYMENT, RESTORE], ids=["deployment", "restore"])
@pytest.mark.parametrize("second", [DEPLOYMENT, RESTORE], ids=["deployment", "restore"])
def test_neither_a_restore_nor_a_deployment_begins_while_one_has_no_end(
    first: Doing, second: Doing, journal: Journals
) -> None:
    with (alice := journal(ALICE).of(first)).held():
        alice.begin(FACTS)
    with (bob := journal(BOB).of(second)).held():
        with pytest.raises(Refused, match=f"{first.command.format(stack='staging')} continues or returns it"):
            bob.begin(FACTS)
        open_run = bob.of(first).open_run()
        assert open_run is not None
        open_run.note(CONTINUE)
        open_run.end(Outcome.STOPPED)
        bob.begin(FACTS)


def test_a_restore_and_a_deployment_do_not_have_the_stage_at_once(journal: Journals) -> None:
    with (alice := journal(ALICE).of(RESTORE)).held():
        alice.begin(FACTS).note("maintenance")
        with pytest.raises(Refused, match="at step maintenance") as refused, journal(BOB).held():
            pass
    assert "rollout" not in str(refused.value)
    assert list(journal(BOB).runs()) == []
