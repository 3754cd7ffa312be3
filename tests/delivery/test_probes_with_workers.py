"""The example product's own Workers, two versions of one or two of them at once, asked through the stage's front."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients.endpoints import Sites
from bulkhead.delivery.answers import Outcome, Pair, counted
from bulkhead.delivery.observed import Probes
from bulkhead.delivery.probes import Prober
from bulkhead.localclouds.cloudflare.api.endpoint import camel
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.providers.store import Record
from bulkhead.model.naming import Kind
from bulkhead.model.product import Worker
from bulkhead.model.project import ROOT
from bulkhead.model.variables import stage_variables
from infra.product import PRODUCT
from tests.localclouds.cloudflare.account import Account, durable
from tests.support.settings_fixture import make_settings

pytestmark = pytest.mark.slow

SETTINGS = make_settings("production")
LABEL = SETTINGS.label(PRODUCT.name)
DATABASE = "d1-id"


def compared(pairs: Iterable[Pair]) -> Probes:
    """Return what probes came to, without their times."""
    return replace(counted(pairs), times={})


class Names:
    """What the bindings of the made-up account lead to."""

    def database_id(self, _database: str) -> str:
        return DATABASE

    def namespace_id(self, namespace: str) -> str:
        return namespace

    def bucket_name(self, bucket: str) -> str:
        return bucket

    def queue_name(self, queue: str) -> str:
        return queue

    def worker_name(self, worker: str) -> str:
        return LABEL.name(Kind.WORKER, worker)

    def dataset_name(self, dataset: str) -> str:
        return dataset

    def secret(self, secret: str) -> str:
        return f"canary-{secret}"


@dataclass
class Harbor:
    """The product in one account; ``live`` are the versions of each Worker, the first with all the traffic."""

    cloud: LocalCloudflare
    account: Account
    live: dict[str, list[Record]] = field(default_factory=dict)

    def add(self, worker: Worker, *changes: tuple[str, str]) -> str:
        """Add a version of a Worker to those that live, with changes to its code; return its id."""
        code = (ROOT / worker.bundle).read_text()
        for old, new in changes:
            assert old in code, f"{worker.bundle} has no {old!r} any more"
            code = code.replace(old, new)
        name = Names().worker_name(worker.name)
        wired = [*stage_variables(LABEL, SETTINGS, name, "release"), *(each.wire(Names()) for each in worker.bindings)]
        bindings: list[dict[str, Any]] = [{camel(key): value for key, value in each.items()} for each in wired]
        record = next((r for r in self.account.records if r.inputs.get("name") == name), None)
        version = self.account.version(
            record or self.account.worker(name), code, *bindings, exports=durable(*worker.owns)
        )
        self.live.setdefault(worker.name, []).append(version)
        return version.id

    def apply(self) -> None:
        for name, versions in self.live.items():
            worker = next(r for r in self.account.records if r.inputs.get("name") == Names().worker_name(name))
            shares = [(version, 100 if version is versions[0] else 0) for version in versions[:1] + versions[-1:]]
            self.account.deployment(worker, *(shares if len(versions) > 1 else shares[:1]))
        self.cloud.apply(self.account.records)

    def prober(self, **gates: Any) -> Prober:
        settings = make_settings("production", {"gates": gates})
        return Prober(PRODUCT, settings, Sites(self.cloud.url), sleep=lambda _seconds: None)

    def versions(self, at: int) -> dict[str, str]:
        return {name: versions[min(at, len(versions) - 1)].id for name, versions in self.live.items()}


WEB, BOOKING = (next(each for each in PRODUCT.workers if each.name == name) for name in ("web", "booking"))
SLOW = (
    'if (booking === null) throw new Refusal(404, "NO_BOOKING", "There is no such booking.");\n  return json(booking);',
    "await new Promise((late) => setTimeout(late, 15000));\n  return json(booking);",
)
DEAF = ('"Cloudflare-Workers-Version-Overrides"', '"X-Nothing"')


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[Harbor]:
    with LocalCloudflare("production", tmp_path / "production", ROOT, str(tmp_path)) as cloud:
        account = Account(cloud.uploads)
        account.database(DATABASE)
        for namespace in PRODUCT.namespaces:
            account.namespace(namespace.name, namespace.name)
        for bucket in PRODUCT.buckets:
            account.bucket(bucket.name)
        for queue in PRODUCT.queues:
            account.queue(queue.name)
        account.domain(SETTINGS.cloudflare.hostname, Names().worker_name("web"))
        standing = Harbor(cloud, account)
        for worker in PRODUCT.deployment_order():
            standing.add(worker)
        standing.apply()
        for file in sorted((ROOT / "worker/migrations/main").iterdir()):
            cloud.client.d1_query(DATABASE, file.read_text())
        yield standing


def rows(harbor: Harbor) -> list[int]:
    counts = "SELECT (SELECT count(*) FROM bookings) AS bookings, (SELECT count(*) FROM members) AS members"
    (row,) = harbor.cloud.client.d1_query(DATABASE, counts)
    return [row["bookings"], row["members"]]


def test_a_new_version_is_tried_at_nothing_and_leaves_nothing_in_production(harbor: Harbor) -> None:
    for worker in (BOOKING, WEB):
        harbor.add(worker)
    harbor.apply()
    old, new = harbor.versions(0), harbor.versions(1)
    with harbor.prober() as prober:
        smoke = prober.smoke(new)
        assert smoke.ok, "\n".join(map(str, smoke.failed))
        by_probe = {answer.probe: dict(answer.versions) for answer in smoke.answers}
        assert by_probe["a booking is looked up"] == {"web": new["web"], "booking": new["booking"]}
        assert set(by_probe["what everything depends on"]) == {"web", "booking", "assistant"}
        assert "a booking" in by_probe
        assert smoke.left_out == ("a chat: it does not say how it cleans up, and this is production",)
        assert rows(harbor) == [0, 0], "the booking of the smoke test was withdrawn"

        assert prober.smoke(old).ok
        assert all(answer.ok for answer in prober.health(old, forced=False, settling=0))
        assert not prober.smoke(new, forced=False, settling=0).ok, "nobody but who forces it gets the new version"
        assert compared(prober.pairs(new, old)) == Probes(asked=5, new_alone=0, stable_alone=0, both=0)
        assert all(answer.ok for answer in prober.warm())


def test_a_bad_version_behind_the_first_worker_is_told_from_the_good_one(harbor: Harbor) -> None:
    harbor.add(BOOKING, ('"NO_BOOKING"', '"NOTHING"'))
    harbor.apply()
    new, stable = ({"booking": harbor.versions(at)["booking"]} for at in (1, 0))
    with harbor.prober() as prober:
        smoke = prober.smoke(new)
        assert [(answer.probe, answer.outcome) for answer in smoke.failed] == [
            ("a booking is looked up", Outcome.FAILED)
        ]
        assert "'NO_BOOKING' is not in the answer" in smoke.failed[0].reason
        assert compared(prober.pairs(new, stable)) == Probes(asked=2, new_alone=1, stable_alone=0, both=0)
    assert rows(harbor) == [0, 0], "no journey was made with it"


def test_a_version_that_is_only_slow_or_cannot_start_a_request_is_told(harbor: Harbor) -> None:
    bad = harbor.add(BOOKING, SLOW)
    harbor.apply()
    stable = {"booking": harbor.versions(0)["booking"]}
    with harbor.prober(maxMs=4000) as prober:
        assert counted(prober.pairs({"booking": bad}, stable)).new_alone == 1

    bad = harbor.add(WEB, ("const started = Date.now();\n    const path", 'throw new Error("no");\n    const path'))
    harbor.apply()
    with harbor.prober() as prober:
        probes = counted(prober.pairs({"web": bad}, {"web": harbor.versions(0)["web"]}))
        assert replace(probes, times={}) == Probes(asked=5, new_alone=5, stable_alone=0, both=0), (
            "who crashed cannot say its version"
        )


def test_a_first_worker_that_hands_no_override_on_never_passes_for_the_version_behind_it(harbor: Harbor) -> None:
    harbor.add(WEB, DEAF)
    harbor.add(BOOKING, ('"NO_BOOKING"', '"NOTHING"'))
    harbor.apply()
    new = {name: harbor.versions(1)[name] for name in ("web", "booking")}
    with harbor.prober() as prober:
        smoke = prober.smoke(new, settling=0)
    outcomes = {answer.probe: answer.outcome for answer in smoke.answers}
    assert outcomes["a booking is looked up"] is Outcome.NOT_APPLIED
    assert outcomes["the home page"] is Outcome.PASSED
