from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bulkhead.model.bindings import (
    AI,
    D1,
    KV,
    R2,
    AnalyticsEngine,
    DurableObject,
    QueueProducer,
    Secret,
    Service,
    VersionMetadata,
)
from bulkhead.model.product import (
    STAGE_VARIABLES,
    Bucket,
    Cleaning,
    Database,
    Journey,
    Namespace,
    Place,
    Probe,
    Product,
    ProductFault,
    Queue,
    StageSecret,
    Worker,
)
from infra.product import PRODUCT

SITE = Worker("site", "site.js", host="@", owns=("Room",))
BASE: dict[str, Any] = {
    "name": "shop",
    "workers": (SITE, Worker("back", "back.js")),
    "databases": (Database("main"),),
    "namespaces": (Namespace("cache"),),
    "buckets": (Bucket("files"),),
    "queues": (Queue("jobs", consumer="back"), Queue("failed")),
}


def site(**changes: Any) -> dict[str, Any]:
    return {"workers": (replace(SITE, **changes), Worker("back", "back.js"))}


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"name": "Shop"}, "name"),
    ({"name": "s" * 21}, "name"),
    ({"name": "shop--x"}, "name"),
    ({"workers": ()}, "workers"),
    ({"workers": (SITE, SITE)}, "workers.site"),
    ({"databases": (Database("main"), Database("main"))}, "databases.main"),
    ({"namespaces": (Namespace("Cache"),)}, "namespaces.Cache"),
    ({"buckets": (Bucket("files", expire_after_days=(("tmp/", 0),)),)}, "buckets.files"),
    ({"secrets": (StageSecret("slack-webhook", pipeline=True),)}, "secrets.slack-webhook"),
    ({"secrets": (StageSecret("hook", pipeline=True), StageSecret("hook", jobs=True))}, "secrets.hook"),
    ({"secrets": (StageSecret("hook", pipeline=True, rotate_after_days=0),)}, "secrets.hook"),
    ({"secrets": (StageSecret("hook"),)}, "secrets.hook"),
    (site(bindings=(Secret("KEY", "undeclared"),)), "workers.site.bindings.KEY"),
    ({"buckets": (Bucket("files", evidence_days=-1),)}, "buckets.files"),
    ({"buckets": (Bucket("files", (("tmp/", 30),), evidence_days=31),)}, "buckets.files"),
    (site(bindings=(D1("DB", "other"),)), "workers.site.bindings.DB"),
    (site(bindings=(KV("K", "main"),)), "workers.site.bindings.K"),
    (site(bindings=(R2("B", "main"),)), "workers.site.bindings.B"),
    (site(bindings=(QueueProducer("Q", "main"),)), "workers.site.bindings.Q"),
    (site(bindings=(Service("S", "nobody"),)), "workers.site.bindings.S"),
    (site(bindings=(Service("S", "site"),)), "workers.site.bindings.S"),
    (site(bindings=(DurableObject("R", "Hall"),)), "workers.site.bindings.R"),
    (site(bindings=(DurableObject("R", "Room", "back"),)), "workers.site.bindings.R"),
    (site(bindings=(Secret("KEY", "Not Camel"),)), "workers.site.bindings.KEY"),
    (site(bindings=(AnalyticsEngine("A", "Set!"),)), "workers.site.bindings.A"),
    (site(bindings=(AI("AI"), AI("AI"))), "workers.site.bindings.AI"),
    (site(bindings=(AI("my-ai"),)), "workers.site.bindings.my-ai"),
    (site(bindings=(AI("STAGE"),)), "workers.site.bindings.STAGE"),
    (site(owns=("Not A Class",)), "workers.site.owns"),
    (site(retired=("Room",)), "workers.site.retired"),
    (site(crons=("every minute",)), "workers.site.crons"),
    (site(crons=("* * * *",)), "workers.site.crons"),
    (site(crons=("0 0 * * 0",)), "workers.site.crons"),
    (site(crons=("61 * * * *",)), "workers.site.crons"),
    (site(host="a.b"), "workers.site.host"),
    ({"workers": (SITE, Worker("back", "b.js", host="@"))}, "workers.back.host"),
    (site(compatibility_date="2026-02-30"), "workers.site.compatibility_date"),
    (site(compatibility_date="2999-01-01"), "workers.site.compatibility_date"),
    (site(cpu_ms=5), "workers.site.cpu_ms"),
    (site(bundle="/etc/passwd"), "workers.site.bundle"),
    (site(bundle="../other.js"), "workers.site.bundle"),
    ({"queues": (Queue("jobs", consumer="nobody"),)}, "queues.jobs.consumer"),
    ({"queues": (Queue("jobs", consumer="back", dead_letter="gone"),)}, "queues.jobs.dead_letter"),
    ({"queues": (Queue("jobs", consumer="back", dead_letter="jobs"),)}, "queues.jobs.dead_letter"),
    ({"queues": (Queue("jobs", dead_letter="failed"), Queue("failed"))}, "queues.jobs.dead_letter"),
    ({"queues": (Queue("jobs", consumer="back", batch_size=0),)}, "queues.jobs.batch_size"),
    ({"queues": (Queue("jobs", consumer="back", max_retries=101),)}, "queues.jobs.max_retries"),
    ({"journeys": (Journey("a", "back", "/{mark}", ()),)}, "journeys.a"),
    ({"journeys": (Journey("a", "site", "/", ()),)}, "journeys.a"),
    ({"journeys": (Journey("a", "site", "/{mark}", ((Place.BUCKET, "main"),)),)}, "journeys.a"),
    ({"journeys": (Journey("a", "site", "{mark}", ()),)}, "journeys.a"),
    ({"journeys": (Journey("a", "site", "/{mark}", (), method="BOOK"),)}, "journeys.a"),
    ({"journeys": (Journey("a", "site", "/{mark}", ()),) * 2}, "journeys.a"),
    ({"journeys": (Journey("a", "site", "/{mark}", (), cleans=Cleaning("/all")),)}, "journeys.a.cleans"),
    ({"journeys": (Journey("a", "site", "/{mark}", (), cleans=Cleaning("{id}")),)}, "journeys.a.cleans"),
    ({"journeys": (Journey("a", "site", "/{mark}", (), cleans=Cleaning("/{id}", "GET")),)}, "journeys.a.cleans"),
    ({"warm": (("back", "/"),)}, "warm./"),
    ({"warm": (("site", "top ten"),)}, "warm.top ten"),
]

TOLD = VersionMetadata("VERSION")
SITE_AND_BACK = (
    replace(SITE, bindings=(TOLD, Service("BACK", "back"))),
    Worker("back", "back.js", bindings=(TOLD, Service("STORE", "store"))),
    Worker("store", "store.js", bindings=(TOLD,)),
    Worker("aside", "aside.js", bindings=(TOLD,)),
)
QUESTION = Probe("a question", "site", "/?a=b", holds="yes", reaches=("back", "store"))


def test_the_baseline_is_deployable() -> None:
    assert Product(**BASE).name == "shop"


@pytest.mark.parametrize(("change", "key"), BROKEN)
def test_what_cannot_be_deployed_is_refused_with_its_place(change: dict[str, Any], key: str) -> None:
    with pytest.raises(ProductFault) as refused:
        Product(**{**BASE, **change})
    assert key in [fault.key for fault in refused.value.faults]


def with_probes(*probes: Probe, workers: tuple[Worker, ...] = SITE_AND_BACK) -> Product:
    return Product(**{**BASE, "workers": workers, "probes": probes})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"worker": "back"}, "no hostname"),
        ({"worker": "nobody", "reaches": ()}, "no hostname"),
        ({"path": "health"}, "no path"),
        ({"path": "/a b"}, "no path"),
        ({"path": "/#top"}, "no path"),
        ({"method": "get"}, "'get' is none of GET"),
        ({"status": 503}, "no answer of a Worker that works"),
        ({"status": 0}, "no answer of a Worker that works"),
        ({"method": "POST"}, "may write"),
        ({"method": "DELETE", "status": 204}, "may write"),
        ({"method": "POST", "writes_nothing": " "}, "may write"),
        ({"body": {"a": 1}}, "a GET has no body"),
        ({"method": "HEAD"}, "the answer to a HEAD has no text"),
        ({"reaches": ("aside",)}, "'site' does not call (it calls back, store)"),
        ({"reaches": ("site",)}, "does not call"),
        ({"name": " "}, "has no name"),
    ],
)
def test_a_probe_that_shows_nothing_or_may_write_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ProductFault) as refused:
        with_probes(replace(QUESTION, **change))
    assert said in str(refused.value)


def test_probes_that_read_or_are_refused_are_right() -> None:
    refused = Probe("refused", "site", "/", "POST", body={}, status=422)
    moved = Probe("moved", "site", "/old", "HEAD", status=301)
    search = Probe("search", "site", "/graphql", "POST", body={"query": "{ boats }"}, writes_nothing="it is a query")
    probes = (QUESTION, refused, moved, search)
    assert with_probes(*probes).probes == probes
    with pytest.raises(ProductFault, match="is the name of 2"):
        with_probes(QUESTION, QUESTION)


def test_a_probed_worker_is_told_its_version() -> None:
    """Without it an override that is not applied would pass for an answer of the version that was asked."""
    site, back, *others = SITE_AND_BACK
    untold = (site, replace(back, bindings=back.bindings[1:]), *others)
    with pytest.raises(ProductFault, match="'back' is not told its version"):
        with_probes(QUESTION, workers=untold)
    assert with_probes(replace(QUESTION, reaches=()), workers=untold)


def test_a_cleaning_fills_its_path_from_the_answer() -> None:
    cleaning = Cleaning("/api/{id}/{mark}")
    assert cleaning.filled({"id": "a/b", "mark": 7, "other": 1}) == "/api/a%2Fb/7"
    with pytest.raises(KeyError):
        cleaning.filled({"id": 1})


def test_a_compatibility_date_may_be_todays_in_utc() -> None:
    today = datetime.now(UTC).date().isoformat()
    assert Product(**{**BASE, **site(compatibility_date=today)})


def test_all_faults_come_at_once() -> None:
    with pytest.raises(ProductFault) as refused:
        Product(**{**BASE, "name": "Shop", **site(cpu_ms=1, crons=("x",))})
    assert {fault.key for fault in refused.value.faults} == {"name", "workers.site.cpu_ms", "workers.site.crons"}


def test_workers_that_call_each_other_in_a_circle_are_refused() -> None:
    one = Worker("one", "1.js", bindings=(Service("OTHER", "two"),))
    two = Worker("two", "2.js", bindings=(Service("OTHER", "one"),))
    with pytest.raises(ProductFault, match="call each other in a circle"):
        Product("shop", workers=(one, two))


def test_a_worker_is_deployed_after_those_it_calls() -> None:
    order = [worker.name for worker in PRODUCT.deployment_order()]
    assert order.index("web") > max(order.index("booking"), order.index("assistant"))


def test_granted_names_are_the_bindings_and_the_stage_variables() -> None:
    assert set(Worker("w", "w.js", bindings=(AI("AI"),)).granted()) == {"AI", *STAGE_VARIABLES}


def test_a_secret_has_the_users_that_are_bound_to_it() -> None:
    assert [PRODUCT.users_of(name) for name in ("sessionKey", "slackWebhook")] == [("web",), ()]


def test_web_touches_no_store_of_the_other_workers() -> None:
    web = next(worker for worker in PRODUCT.workers if worker.name == "web")
    assert {type(binding).__name__ for binding in web.bindings} == {"KV", "Service", "Secret", "VersionMetadata"}
