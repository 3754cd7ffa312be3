"""A deployment goes its road, returns by itself, and is continued after a kill at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.clients.workers import Share
from bulkhead.delivery.journal import CONTINUE, Journal, Outcome
from bulkhead.delivery.observed import Count, Probes
from bulkhead.delivery.orders import OrderKind
from bulkhead.machine.owner import Owner
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused
from tests.support.memory_s3 import MemoryS3
from tests.support.moving_stage import NEW, SCRIPTS, STABLE, FastClock, Killed, Outside, delivery, plan

GOOD = (Count(9000, 9), Count(1000, 1), Probes(asked=5))
ALL_NEW = {worker: {version: 100.0} for worker, version in NEW.items()}
ALL_STABLE = {worker: {version: 100.0} for worker, version in STABLE.items()}


@pytest.fixture
def bucket() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def outside() -> Outside:
    found = Outside()
    found.shows = lambda _at, _percent: GOOD
    return found


def journal_of(bucket: MemoryS3, number: int = 1) -> Journal:
    client: Any = bucket
    owner = Owner("alice", "laptop", f"boot-{number}", 4000 + number, float(number))
    return Journal(client, "a-bucket", "production", me=owner, patience=0.05)


def go(
    bucket: MemoryS3,
    outside: Outside,
    shown: Any = None,
    say: Callable[[str], None] = lambda _: None,
    watch: int = 3,
) -> Any:
    journal = journal_of(bucket)
    with journal.held():
        run = journal.begin({"commit": "c"})
        return delivery(outside, journal, run, shown or plan(), say, watch).go()


def shares_of(outside: Outside, worker: str) -> list[float]:
    return [dict(shares).get(NEW[worker], 0.0) for script, shares in outside.history if script == SCRIPTS[worker]]


def test_a_canary_grows_step_by_step_and_reaches_everybody(bucket: MemoryS3, outside: Outside) -> None:
    assert go(bucket, outside)[0] is Outcome.DONE
    assert shares_of(outside, "web") == [0, 0, 10, 50, 100, 100]
    assert outside.live() == ALL_NEW


def test_what_is_called_moves_before_what_calls_it_and_returns_after(bucket: MemoryS3, outside: Outside) -> None:
    outside.shows = lambda _at, percent: (GOOD[0], Count(100, 60) if percent == 50 else GOOD[1], Probes(asked=5))
    assert go(bucket, outside)[0] is Outcome.STOPPED
    order = [script for script, _shares in outside.history]
    assert order[2:4] == [SCRIPTS["booking"], SCRIPTS["web"]]
    assert order[-2:] == [SCRIPTS["web"], SCRIPTS["booking"]]
    assert outside.live() == ALL_STABLE


def test_triggers_wait_until_everybody_has_the_new_version(bucket: MemoryS3, outside: Outside) -> None:
    go(bucket, outside)
    assert outside.ups == ["without triggers", "all"]
    assert outside.freshened == 1


def test_what_a_release_takes_away_stays_while_the_version_that_uses_it_may_come_back(
    bucket: MemoryS3, outside: Outside
) -> None:
    assert go(bucket, outside, plan(goes=("urn:of-the-queue",)))[0] is Outcome.DONE
    assert (outside.ups, outside.kept) == (["without triggers", "all"], [("urn:of-the-queue",), ()])


def test_blue_green_goes_from_nobody_to_everybody(bucket: MemoryS3, outside: Outside) -> None:
    assert go(bucket, outside, plan("blue-green"))[0] is Outcome.DONE
    assert shares_of(outside, "web") == [0, 0, 100, 100]


def test_all_at_once_moves_no_traffic_of_its_own(bucket: MemoryS3, outside: Outside) -> None:
    outside.at_once = SCRIPTS
    assert go(bucket, outside, plan("all-at-once"))[0] is Outcome.DONE
    assert len(outside.history) == 2 * len(SCRIPTS)
    assert outside.ups == ["all"]


UNASKED = (Count(), Count(1000, 1), Probes(asked=5))
BAD = (Count(), Count(1000, 1), Probes(asked=5, new_alone=1))


def test_a_release_at_once_is_watched_although_no_other_version_can_be_asked(
    bucket: MemoryS3, outside: Outside
) -> None:
    outside.at_once, outside.shows = SCRIPTS, lambda _at, _percent: UNASKED
    assert go(bucket, outside, plan("all-at-once"))[0] is Outcome.DONE
    assert outside.live() == ALL_NEW


def test_a_release_at_once_that_turns_out_bad_goes_back(bucket: MemoryS3, outside: Outside) -> None:
    outside.at_once, outside.shows = SCRIPTS, lambda _at, _percent: BAD
    outcome, why = go(bucket, outside, plan("all-at-once"))
    assert outcome is Outcome.STOPPED
    assert "a probe failed, and there is no other version to compare it with" in why
    assert outside.live() == ALL_STABLE


def test_a_release_of_other_classes_that_turns_out_bad_waits_for_a_person(bucket: MemoryS3, outside: Outside) -> None:
    outside.at_once, outside.shows = ["booking"], lambda _at, _percent: BAD
    outcome, why = go(bucket, outside, plan("all-at-once", classes=("booking",)))
    assert outcome is None
    assert "there is no way back" in why
    assert outside.live() == ALL_NEW


def test_what_does_not_serve_by_its_upload_serves_beside_other_classes_too(bucket: MemoryS3, outside: Outside) -> None:
    outside.at_once, outside.shows = ["booking"], lambda _at, _percent: UNASKED
    assert go(bucket, outside, plan("all-at-once", classes=("booking",)))[0] is Outcome.DONE
    assert outside.live() == ALL_NEW


def test_a_release_at_once_is_held_against_what_came_before_it_began(bucket: MemoryS3, outside: Outside) -> None:
    outside.at_once, outside.shows = SCRIPTS, lambda _at, _percent: UNASKED
    asked: list[int] = []
    outside.before = asked.append
    go(bucket, outside, plan("all-at-once"))
    [run] = journal_of(bucket).runs()
    assert asked == [FastClock().minute_of(run.entries()[0].at)]


def test_who_takes_a_release_at_once_back_while_it_is_watched_is_not_undone(bucket: MemoryS3, outside: Outside) -> None:
    def shows(_at: int, _percent: int) -> Any:
        outside.deploy(SCRIPTS["web"], [Share(STABLE["web"], 100)], "rolled back: checkout is broken")
        return UNASKED

    outside.at_once, outside.shows = SCRIPTS, shows
    outcome, why = go(bucket, outside, plan("all-at-once"))
    assert outcome is Outcome.STOPPED
    assert "checkout is broken" in why
    assert outside.live() == ALL_STABLE


def test_a_first_deployment_is_not_watched_against_a_version_that_is_not_there(
    bucket: MemoryS3, outside: Outside
) -> None:
    outside.shows = lambda _at, _percent: pytest.fail("nothing stands beside it")
    first = tuple(replace(move, stable="") for move in plan().moves)
    assert go(bucket, outside, plan(moves=first))[0] is Outcome.DONE


def test_a_version_that_fails_its_smoke_is_shown_to_nobody(bucket: MemoryS3, outside: Outside) -> None:
    outside.wrong = lambda versions: ["a booking: 500"] if versions == NEW else ()
    outcome, why = go(bucket, outside)
    assert outcome is Outcome.STOPPED
    assert "a booking: 500" in why
    assert max(shares_of(outside, "web")) == 0
    assert outside.live() == ALL_STABLE


def test_a_reason_in_any_language_is_as_long_as_cloudflare_keeps_it(bucket: MemoryS3, outside: Outside) -> None:
    """It keeps 100 bytes: what is longer would not be found again as the order whose answer was lost."""
    outside.wrong = lambda versions: ["予約する: 503 " * 9] if versions is None else ()
    assert go(bucket, outside)[0] is Outcome.STOPPED
    said = outside.deployments[SCRIPTS["web"]][0].message
    assert "予約" in said
    assert len(said.encode()) <= 100
    assert "\ufffd" not in said


def test_a_stage_that_does_not_work_for_everybody_goes_back_before_its_triggers_follow(
    bucket: MemoryS3, outside: Outside
) -> None:
    outside.wrong = lambda versions: ["a booking: 500"] if versions is None else ()
    outcome, why = go(bucket, outside)
    assert outcome is Outcome.STOPPED
    assert "a booking: 500" in why
    assert outside.live() == ALL_STABLE
    assert outside.ups == ["without triggers"]
    assert outside.freshened == 0


def test_probes_that_fail_on_the_new_version_alone_send_it_back(bucket: MemoryS3, outside: Outside) -> None:
    outside.shows = lambda _at, _percent: (GOOD[0], GOOD[1], Probes(asked=5, new_alone=1))
    assert go(bucket, outside)[0] is Outcome.STOPPED
    assert outside.live() == ALL_STABLE


def test_a_version_that_rots_while_it_is_watched_is_sent_back(bucket: MemoryS3, outside: Outside) -> None:
    outside.shows = lambda _at, percent: (
        (Count(), Count(1000, 400), Probes(asked=5, new_alone=1)) if percent == 100 else GOOD
    )
    assert go(bucket, outside)[0] is Outcome.STOPPED
    assert outside.live() == ALL_STABLE


def test_a_failure_before_anybody_was_sent_ends_the_run(bucket: MemoryS3, outside: Outside) -> None:
    outside.up_fails = Failed("the engine failed")
    with pytest.raises(Failed):
        go(bucket, outside)
    assert journal_of(bucket).open_run() is None
    assert outside.live() == ALL_STABLE


def test_a_version_that_somebody_else_made_live_stops_it(bucket: MemoryS3, outside: Outside) -> None:
    def wrong(versions: Any) -> Any:
        outside.deploy(SCRIPTS["web"], [Share("web-9", 100)], "by hand")
        return ()

    outside.wrong = wrong
    with pytest.raises(Refused, match="Somebody else"):
        go(bucket, outside)
    assert outside.live()["web"] == {"web-9": 100}
    assert journal_of(bucket).open_run() is not None


@pytest.mark.parametrize("at", [0, 10, 50, 100])
def test_a_rollback_by_somebody_else_is_not_undone(bucket: MemoryS3, outside: Outside, at: int) -> None:
    def shows(_at: int, percent: int) -> Any:
        if percent == at:
            outside.deploy(SCRIPTS["web"], [Share(STABLE["web"], 100)], "rolled back: checkout is broken")
        return GOOD

    def wrong(versions: Any) -> Any:
        if at == 0 and versions:
            outside.deploy(SCRIPTS["web"], [Share(STABLE["web"], 100)], "rolled back: checkout is broken")
        return ()

    outside.shows, outside.wrong = shows, wrong
    outcome, why = go(bucket, outside)
    assert outcome is Outcome.STOPPED
    assert "checkout is broken" in why
    assert outside.live() == ALL_STABLE


def test_a_rollback_while_a_deployment_was_dead_is_not_undone(bucket: MemoryS3, outside: Outside) -> None:
    first, second = journal_of(bucket, 1), journal_of(bucket, 2)

    def shows(_at: int, percent: int) -> Any:
        if percent == 50:
            raise Killed
        return GOOD

    outside.shows = shows
    with pytest.raises(Killed), first.held():
        delivery(outside, first, first.begin({}), plan()).go()
    for worker, script in SCRIPTS.items():
        outside.deploy(script, [Share(STABLE[worker], 100)], "rolled back")
    until_then = len(outside.history)
    with second.held():
        run = second.open_run()
        assert run is not None
        run.note(CONTINUE, {})
        assert delivery(outside, second, run, plan()).go()[0] is Outcome.STOPPED
    assert outside.history[until_then:] == []


def test_an_order_to_abort_returns_all_traffic(bucket: MemoryS3, outside: Outside) -> None:
    def shows(_at: int, percent: int) -> Any:
        if percent == 10:
            run = journal_of(bucket, 2).open_run()
            assert run is not None
            run.order(OrderKind.ABORT)
        return GOOD

    outside.shows = shows
    outcome, why = go(bucket, outside)
    assert outcome is Outcome.STOPPED
    assert "alice@laptop" in why
    assert outside.live() == ALL_STABLE


def test_who_aborts_before_anybody_was_sent_sends_nobody(bucket: MemoryS3, outside: Outside) -> None:
    def wrong(_versions: Any) -> Any:
        run = journal_of(bucket, 2).open_run()
        assert run is not None
        run.order(OrderKind.ABORT)
        return ()

    outside.wrong = wrong
    outcome, why = go(bucket, outside)
    assert outcome is Outcome.STOPPED
    assert "alice@laptop" in why
    assert max(shares_of(outside, "web")) == 0
    assert outside.live() == ALL_STABLE


def test_an_order_to_promote_ends_one_wait_and_not_the_next(bucket: MemoryS3, outside: Outside) -> None:
    asked: list[int] = []

    def shows(_at: int, percent: int) -> Any:
        if percent == 10 and not asked:
            asked.append(percent)
            run = journal_of(bucket, 2).open_run()
            assert run is not None
            run.order(OrderKind.PROMOTE)
        return (Count(), Count(), Probes(asked=5)) if percent == 10 else GOOD

    outside.shows = shows
    assert go(bucket, outside)[0] is Outcome.DONE


@pytest.mark.parametrize(("kind", "outcome"), [(OrderKind.PROMOTE, Outcome.DONE), (OrderKind.ABORT, Outcome.STOPPED)])
def test_a_run_that_waits_for_a_person_does_what_the_person_has_said(
    bucket: MemoryS3, outside: Outside, kind: OrderKind, outcome: Outcome
) -> None:
    outside.shows = lambda _at, percent: GOOD if percent != 10 else (Count(), Count(), Probes(asked=5))
    first, second = journal_of(bucket, 1), journal_of(bucket, 2)
    with first.held():
        assert delivery(outside, first, first.begin({}), plan()).go()[0] is None
    run = second.open_run()
    assert run is not None
    run.order(kind)
    with second.held():
        run.note(CONTINUE, {})
        assert delivery(outside, second, run, plan()).go()[0] is outcome
    assert outside.live() == (ALL_NEW if outcome is Outcome.DONE else ALL_STABLE)


@pytest.mark.parametrize("strategy", ["canary", "blue-green", "all-at-once"])
def test_a_deployment_that_is_killed_anywhere_is_continued(bucket: MemoryS3, strategy: str) -> None:
    whole = Outside(at_once=SCRIPTS if strategy == "all-at-once" else ())
    whole.shows = lambda _at, _percent: GOOD
    journal = journal_of(bucket, 99)
    with journal.held():
        delivery(whole, journal, journal.begin({}), plan(strategy)).go()
    for call in range(1, whole.calls + 1):
        for done in (False, True):
            outside = Outside(kill_at=(call, done), at_once=SCRIPTS if strategy == "all-at-once" else ())
            outside.shows = lambda _at, _percent: GOOD
            first, second = journal_of(bucket, 1), journal_of(bucket, 2)
            with pytest.raises(Killed), first.held():
                delivery(outside, first, first.begin({}), plan(strategy)).go()
            with second.held():
                run = second.open_run()
                assert run is not None
                run.note(CONTINUE, {})
                assert delivery(outside, second, run, plan(strategy)).go()[0] is Outcome.DONE, (call, done)
            assert outside.live() == ALL_NEW, (call, done)
            assert outside.ups[-1] == "all"


@pytest.mark.parametrize(("strategy", "call"), [("canary", 1), ("all-at-once", 1), ("blue-green", 8)])
def test_an_up_that_was_cut_off_is_settled_before_another_commit_is_brought(
    bucket: MemoryS3, outside: Outside, strategy: str, call: int
) -> None:
    """Else the next `up` finds the stack locked, and creations that nobody knows the end of."""
    outside.kill_at, outside.at_once = (call, True), SCRIPTS if strategy == "all-at-once" else ()
    first, second = journal_of(bucket, 1), journal_of(bucket, 2)
    with pytest.raises(Killed), first.held():
        delivery(outside, first, first.begin({}), plan(strategy)).go()
    with second.held():
        run = second.open_run()
        assert run is not None
        assert run.entries()[-1].step in {"upload", "triggers"}
        run.note(CONTINUE, {})
        delivery(outside, second, run, plan(strategy)).give_up("another commit")
    assert outside.settled == 1
    assert outside.live() == ALL_STABLE


@pytest.mark.parametrize("call", range(1, 12))
def test_a_run_of_another_commit_is_returned(bucket: MemoryS3, outside: Outside, call: int) -> None:
    outside.kill_at = (call, True)
    first, second = journal_of(bucket, 1), journal_of(bucket, 2)
    with pytest.raises(Killed), first.held():
        delivery(outside, first, first.begin({}), plan()).go()
    with second.held():
        run = second.open_run()
        assert run is not None
        run.note(CONTINUE, {})
        assert delivery(outside, second, run, plan()).give_up("another commit")[0] is Outcome.STOPPED
    assert outside.live() == ALL_STABLE


def test_a_return_that_is_killed_is_returned_to_its_end(bucket: MemoryS3, outside: Outside) -> None:
    outside.wrong = lambda _versions: ["down"]
    whole_calls = 6
    for call in range(4, whole_calls + 1):
        again = Outside(kill_at=(call, False))
        again.wrong = outside.wrong
        first, second = journal_of(bucket, 1), journal_of(bucket, 2)
        with pytest.raises(Killed), first.held():
            delivery(again, first, first.begin({}), plan()).go()
        with second.held():
            run = second.open_run()
            assert run is not None
            run.note(CONTINUE, {})
            assert delivery(again, second, run, plan()).go()[0] is Outcome.STOPPED
        assert again.live() == ALL_STABLE


def test_a_rollback_while_triggers_follow_is_not_undone_where_nothing_is_watched_after_it(
    bucket: MemoryS3, outside: Outside
) -> None:
    def wrong(versions: Any) -> Any:
        if versions is None:
            outside.deploy(SCRIPTS["web"], [Share(STABLE["web"], 100)], "rolled back: checkout is broken")
        return ()

    outside.wrong = wrong
    outcome, why = go(bucket, outside, plan("blue-green"), watch=0)
    assert outcome is Outcome.STOPPED
    assert "checkout is broken" in why
    assert outside.live() == ALL_STABLE
    assert outside.ups == ["without triggers"]


def test_who_pauses_before_a_share_keeps_the_traffic_where_it_is(bucket: MemoryS3, outside: Outside) -> None:
    """The order came while the new versions were tried: they had nobody then, and have nobody until it is resumed."""
    at_pause: list[int] = []

    def say_to(kind: OrderKind) -> None:
        run = journal_of(bucket, 2).open_run()
        assert run is not None
        run.order(kind)

    def wrong(versions: Any) -> Any:
        if versions == NEW:
            say_to(OrderKind.PAUSE)
        return ()

    def waited(clock: FastClock) -> None:
        at_pause.append(outside.percent())
        if len(at_pause) == 3:
            say_to(OrderKind.RESUME)

    outside.wrong, outside.waited = wrong, waited
    assert go(bucket, outside)[0] is Outcome.DONE
    assert at_pause[:3] == [0, 0, 0]


def test_a_run_that_cannot_go_back_gives_way_to_the_commit_that_mends_it(bucket: MemoryS3, outside: Outside) -> None:
    first = plan(moves=tuple(replace(move, stable="") for move in plan().moves))
    outside.wrong = lambda _versions: ["a booking: 500"]
    journal = journal_of(bucket)
    with journal.held():
        run = journal.begin({})
        assert delivery(outside, journal, run, first).go()[0] is None
        outcome, why = delivery(outside, journal, run, first).give_up("commit dddd is deployed instead")
    assert outcome is Outcome.PERSON
    assert "no version to go back to" in why
    assert journal_of(bucket).open_run() is None


@pytest.mark.parametrize("changed", [("booking",), ()])
def test_what_its_upload_does_not_deploy_is_deployed_in_a_release_that_goes_at_once(
    bucket: MemoryS3, outside: Outside, changed: tuple[str, ...]
) -> None:
    """Only the Worker whose classes change deploys itself; and what went back once is not brought again by an `up`."""
    outside.wrong = lambda _versions: [] if outside.live() == ALL_NEW else ["another version answered"]
    assert go(bucket, outside, plan("all-at-once", classes=changed))[0] is Outcome.DONE
    assert outside.live() == ALL_NEW
