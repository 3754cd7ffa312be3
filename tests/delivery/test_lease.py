"""One process at a time changes a stage; one that is dead does not stop the next for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bulkhead.clients.objects import Objects, Unreachable
from bulkhead.delivery.journal import Journal
from bulkhead.delivery.lease import Lease, Living, Lost
from bulkhead.machine.owner import Owner, this_process
from bulkhead.model.faults import Refused
from tests.support.s3 import InProcessS3
from tests.support.shared_s3 import BUCKET, Cloud, SharedS3, no_answer, once

KEY = "delivery/staging/lease.json"
ALICE = Owner("alice", "laptop", "elsewhere-1", 4711, 1.0)
BOB = Owner("bob", "runner", "elsewhere-2", 4712, 2.0)


@pytest.fixture
def cloud(local_s3: InProcessS3) -> Cloud:
    return Cloud(local_s3.emptied())


Leases = Callable[..., Lease]


@pytest.fixture
def lease(cloud: Cloud) -> Leases:
    def of(owner: Owner = ALICE, s3: Any = None, length: float = 90.0) -> Lease:
        client: Any = s3 or SharedS3(cloud)
        return Lease(Objects(client, BUCKET), KEY, owner, length)

    return of


def test_a_living_deployment_is_named_with_its_step(cloud: Cloud) -> None:
    s3: Any = SharedS3(cloud)
    alice, bob = Journal(s3, BUCKET, "staging", me=ALICE), Journal(s3, BUCKET, "staging", me=BOB)
    with alice.held():
        alice.begin({}).note("canary 10 %")
        with pytest.raises(Refused, match=r"alice@laptop, process 4711: has it since .* UTC, at step canary 10 %"):
            bob.held().__enter__()
    with bob.held() as why:
        assert why == "it was given back"


def test_a_lease_that_was_not_renewed_is_taken_over_and_lost(lease: Leases, cloud: Cloud) -> None:
    alice, bob = lease(ALICE), lease(BOB)
    with alice.held():
        cloud.pass_time(89)
        with pytest.raises(Living):
            bob.held().__enter__()
        cloud.pass_time(2)
        with bob.held() as why:
            assert "has not renewed it" in why
            with pytest.raises(Lost, match="bob@runner"):
                alice.renew()
            bob.require()


def test_a_living_holder_renews_in_the_background(lease: Leases) -> None:
    alice, bob = lease(ALICE, length=6.0), lease(BOB)

    def until() -> datetime:
        found = bob.tenure()
        assert found is not None
        return found[0].until

    with alice.held():
        first, patience = until(), time.monotonic() + 20
        while until() <= first:
            assert time.monotonic() < patience
            time.sleep(0.1)
        with pytest.raises(Living):
            bob.take()
    stopped = until()
    time.sleep(2.5)
    assert until() == stopped


def test_what_is_begun_late_in_a_lease_renews_it_first(lease: Leases, cloud: Cloud) -> None:
    alice = lease(ALICE)
    with alice.held():
        before = alice.tenure()
        cloud.pass_time(70)
        alice.tenure()  # any answer tells the time
        alice.require()
        after = alice.tenure()
        assert before is not None
        assert after is not None
        assert (after[0].until - before[0].until).total_seconds() == pytest.approx(70, abs=2)


@pytest.mark.parametrize("wrong", [-86_400.0, 86_400.0])
def test_a_machines_wrong_clock_decides_nothing(lease: Leases, monkeypatch: pytest.MonkeyPatch, wrong: float) -> None:
    real = time.time
    with lease(ALICE).held():
        monkeypatch.setattr("bulkhead.clients.objects.time.time", lambda: real() + wrong)
        with pytest.raises(Living):
            lease(BOB).held().__enter__()


def test_a_clock_that_is_set_in_between_makes_no_long_lease(lease: Leases, monkeypatch: pytest.MonkeyPatch) -> None:
    real, alice = time.time, lease(ALICE)
    with alice.held():
        monkeypatch.setattr("bulkhead.clients.objects.time.time", lambda: real() + 86_400)
        alice.require()
        found = alice.tenure()
        assert found is not None
        assert (found[0].until - found[1]).total_seconds() <= 91


def test_the_lease_of_a_process_of_this_machine_that_is_gone_is_taken_at_once(lease: Leases) -> None:
    gone = replace(this_process(), pid=2**22 - 1)
    lease(gone).take()
    with lease(BOB).held() as why:
        assert why.endswith("is gone")


def test_of_many_takers_exactly_one_has_it(lease: Leases, cloud: Cloud) -> None:
    lease(replace(this_process(), pid=2**22 - 1)).take()
    line, taken, refused = threading.Barrier(8), list[Lease](), list[str]()

    def take(one: Lease) -> None:
        line.wait()
        try:
            one.take()
            taken.append(one)
        except Living as living:
            refused.append(str(living))

    takers = [lease(replace(BOB, pid=number)) for number in range(8)]
    threads = [threading.Thread(target=take, args=(each,)) for each in takers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(taken), len(refused)) == (1, 7)
    taken[0].require()


def test_a_lease_whose_answer_was_lost_is_ours(lease: Leases, cloud: Cloud) -> None:
    s3 = SharedS3(cloud)
    alice = lease(ALICE, s3)
    with alice.held():
        s3.after = once("put_object")
        with pytest.raises(Unreachable):
            alice.renew()  # it was done, and nobody said so
        alice.renew()
        alice.require()


def test_a_lease_that_cannot_be_renewed_ends_for_its_holder_too(lease: Leases, cloud: Cloud) -> None:
    s3 = SharedS3(cloud)
    alice = lease(ALICE, s3)

    def away(_operation: str, _key: str) -> None:
        raise no_answer()

    with alice.held():
        cloud.pass_time(70)
        alice.tenure()
        s3.before = away
        with pytest.raises(Unreachable):
            alice.require()
        s3.before = lambda _operation, _key: None


def test_a_lease_that_somebody_deleted_is_lost(lease: Leases, cloud: Cloud) -> None:
    alice = lease(ALICE)
    with alice.held():
        cloud.client.delete_object(Bucket=BUCKET, Key=KEY)
        with pytest.raises(Lost):
            alice.renew()
        with pytest.raises(Lost):
            alice.require()
