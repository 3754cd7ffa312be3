"""A task runs once at a time, whoever dies in between."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from jobs.lease import LENGTH, Busy, Lease, Lost
from tests.support.memory_s3 import MemoryS3

KEY = "jobs/leases/backup"


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 30, 17, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def passes(self, time: timedelta) -> None:
        self.time += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


def lease(s3: Any, clock: Clock, run: str = "first", part: int = 1) -> Lease:
    return Lease(s3, "state", KEY, run, part, clock)


def test_a_second_run_is_told_who_is_at_it_and_comes_in_afterwards(s3: MemoryS3, clock: Clock) -> None:
    with lease(s3, clock).held(), pytest.raises(Busy, match="the run first is under way"), lease(s3, clock, "2").held():
        pytest.fail("both have it")
    with lease(s3, clock, "2").held():
        pass


def test_of_many_that_begin_at_once_one_runs(s3: MemoryS3, clock: Clock) -> None:
    begin, end, had = threading.Barrier(8), threading.Event(), list[str]()

    def one(name: str) -> None:
        begin.wait()
        try:
            with lease(s3, clock, name).held():
                had.append(name)
                end.wait(10)
        except Busy:
            had.append("busy")
        if len(had) == 8:
            end.set()

    threads = [threading.Thread(target=one, args=(str(number),)) for number in range(8)]
    for each in threads:
        each.start()
    end.wait(10)
    for each in threads:
        each.join(10)
    assert had.count("busy") == 7


def test_a_run_that_was_killed_is_over_before_lambda_tries_again(s3: MemoryS3, clock: Clock) -> None:
    lease(s3, clock)._take()
    clock.passes(LENGTH - timedelta(seconds=1))
    with pytest.raises(Busy), lease(s3, clock, "2").held():
        pass
    clock.passes(timedelta(seconds=1))
    with lease(s3, clock, "2").held():
        pass
    assert timedelta(minutes=1) > LENGTH  # after which Lambda tries a second time


def test_whoever_slept_through_its_lease_must_not_go_on(s3: MemoryS3, clock: Clock) -> None:
    slow = lease(s3, clock)
    with slow.held():
        slow.require()
        clock.passes(LENGTH)
        with pytest.raises(Lost):
            slow.require()


def test_a_run_hands_its_task_on_to_its_own_next_part_alone(s3: MemoryS3, clock: Clock) -> None:
    one = lease(s3, clock)
    with one.held():
        one.hand_on()
    clock.passes(LENGTH)
    for run, part in (("other", 1), ("other", 2), ("first", 3)):
        with pytest.raises(Busy), lease(s3, clock, run, part).held():
            pass
    with lease(s3, clock, "first", 2).held(), pytest.raises(Busy), lease(s3, clock, "first", 2).held():
        pytest.fail("the same event came twice, and both go on")


def test_a_task_that_was_handed_on_to_nobody_is_free_again_in_the_end(s3: MemoryS3, clock: Clock) -> None:
    one = lease(s3, clock)
    with one.held():
        one.hand_on()
    clock.passes(timedelta(minutes=10))
    with lease(s3, clock, "other").held():
        pass


class LostAnswers(MemoryS3):
    """Does each write, and answers the repetition of it alone, as boto3 sees a connection that was cut."""

    def put_object(self, **request: Any) -> Any:
        super().put_object(**request)
        return super().put_object(**request)


def test_a_write_whose_answer_was_lost_is_known_as_ones_own(clock: Clock) -> None:
    s3 = LostAnswers()
    with lease(s3, clock).held(), pytest.raises(Busy), lease(s3, clock, "2").held():
        pytest.fail("both have it")
    with lease(s3, clock, "2").held():
        pass


class Deaf(MemoryS3):
    deaf = False

    def put_object(self, **request: Any) -> Any:
        if self.deaf:
            raise ReadTimeoutError(endpoint_url="http://s3")
        return super().put_object(**request)


def test_a_release_that_s3_does_not_take_does_not_undo_the_run(clock: Clock) -> None:
    s3 = Deaf()
    with lease(s3, clock).held():
        s3.deaf = True


def test_what_is_no_lease_is_named(s3: MemoryS3, clock: Clock) -> None:
    s3.there[KEY] = b"{}"
    with pytest.raises(Lost, match=f"{KEY} is no lease. fix: delete it"), lease(s3, clock).held():
        pass
