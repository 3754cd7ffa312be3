"""One `up` after the other on the real engine: which version everybody gets, and which is only uploaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare
import pytest
from pulumi.automation import UpResult

from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.worker_state import find_worker, live_versions
from bulkhead.model.bindings import DurableObject, Secret
from bulkhead.model.bundles import Bundle
from bulkhead.model.product import Product, StageSecret, Worker
from bulkhead.model.uploads import EVERYBODY, NOBODY
from bulkhead.resources import types as t
from infra.components.stores import DataStores, DataStoresArgs
from infra.components.workers import Workers, WorkersArgs
from tests.support.provider_cloud import Cloud, token_of
from tests.support.settings_fixture import make_settings

pytestmark = pytest.mark.slow

ACCOUNT = "0123456789abcdef0123456789abcdef"
DESK = Worker("desk", "desk.js", owns=("Room",), bindings=(DurableObject("ROOM", "Room"), Secret("KEY", "key")))
SHOP = Worker("shop", "shop.js", crons=("*/5 * * * *",))
WIDER = replace(DESK, owns=("Room", "Hall"), bindings=(*DESK.bindings, DurableObject("HALL", "Hall")))

Up = Callable[..., UpResult]


@pytest.fixture
def up(cloud: Cloud, bundle: Path) -> Up:
    """Bring the Workers of a product up, with this code in both of them."""

    def act(code: str = "one", desk: Worker = DESK, key: str = "k1", **changes: Any) -> UpResult:
        bundle.write_text(f"export default {{}} // {code}")
        account = {"cloudflare": {"accountId": ACCOUNT}}
        settings, product = (
            make_settings("staging", account | changes),
            Product("inn", (desk, SHOP), secrets=(StageSecret("key"),)),
        )
        label = settings.label(product.name)

        def program() -> None:
            provider = cloudflare.Provider("cloudflare", api_token=pulumi.Output.secret(token_of("staging")))
            options = pulumi.ResourceOptions(providers=[provider])
            stores = DataStores("stores", DataStoresArgs(label, settings, product, ()), options)
            bundles = {each.name: Bundle(str(bundle), f"{code}-digest") for each in product.workers}
            secrets = {"key": pulumi.Output.secret(key)}
            workers = Workers("workers", WorkersArgs(label, settings, product, stores, secrets, bundles, {}), options)
            pulumi.export("release", workers.uploads)
            pulumi.export("seals", pulumi.Output.secret(workers.seals))

        return cloud.stack("staging", program).up()

    return act


def live(cloud: Cloud, worker: str) -> list[str]:
    found = find_worker(cloud.store, ACCOUNT, f"inn-staging-worker-{worker}")
    assert found is not None
    return [version.id for version in live_versions(cloud.store, found)]


def uploaded(cloud: Cloud) -> int:
    return len(cloud.store.all(type_=t.WORKER_VERSION))


def of(done: UpResult, worker: str) -> Any:
    return done.outputs["release"].value[worker]


def test_each_version_goes_to_whom_it_should(cloud: Cloud, up: Up) -> None:
    first = up()
    for worker in ("desk", "shop"):
        assert live(cloud, worker) == [of(first, worker)["version"]]
        assert of(first, worker)["reach"] == EVERYBODY
    again = up()
    assert uploaded(cloud) == 2, "the same code is not uploaded again"
    assert again.outputs["release"].value == first.outputs["release"].value

    other = up("two")
    for worker in ("desk", "shop"):
        assert live(cloud, worker) == [of(first, worker)["version"]] != [of(other, worker)["version"]]
        assert (of(other, worker)["reach"], of(other, worker)["tag"]) == (NOBODY, "two-digest")

    wider = up("two", WIDER)
    assert live(cloud, "desk") == [of(wider, "desk")["version"]], "the API takes new classes only where it deploys them"
    assert live(cloud, "shop") == [of(first, "shop")["version"]]
    up("two", WIDER)
    assert uploaded(cloud) == 5

    up("three", WIDER, key="k2")
    assert live(cloud, "desk") == [of(wider, "desk")["version"]]
    up("two", WIDER)
    assert live(cloud, "desk") == [of(wider, "desk")["version"]], "a revert is a version as any other"


def test_a_changed_secret_is_not_live_by_the_up_that_brings_it(cloud: Cloud, up: Up) -> None:
    first = up()
    up(key="k2")
    assert uploaded(cloud) == 3
    assert live(cloud, "desk") == [of(first, "desk")["version"]]


def test_what_delivery_deployed_the_next_up_leaves(cloud: Cloud, up: Up) -> None:
    first, second = up(), up("two")
    shares = [{"versionId": of(each, "shop")["version"], "percentage": 50} for each in (first, second)]
    said = {"accountId": ACCOUNT, "scriptName": "inn-staging-worker-shop", "versions": shares}
    cloud.store.put(Record(t.WORKERS_DEPLOYMENT, "delivered", "staging", ACCOUNT, "", said, said))
    up("two")
    assert sorted(live(cloud, "shop")) == sorted(share["versionId"] for share in shares)


def test_a_stage_that_begins_to_roll_out_moves_nobody(cloud: Cloud, up: Up) -> None:
    before = up(rollout={"strategy": "all-at-once"})
    up()
    assert uploaded(cloud) == 2
    assert live(cloud, "desk") == [of(before, "desk")["version"]]
