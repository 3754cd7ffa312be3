"""Rules about who listens and at which addresses a stage answers: a baseline of each, broken one field at a time."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.model.product import Product, Queue, Worker
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import worker_values, workers
from tests.support.policy_scene import as_first_preview, changed, found, make_context, make_resource, observed_in
from tests.support.second_product import BUNDLE, SECOND_PRODUCT
from tests.support.stages import PRODUCTS, rendered_stage

RULES = {rule.name: rule for rule in workers.RULES}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "first preview"])
@pytest.mark.parametrize("stack", ["development", "staging", "production", "pr-42"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_stages_keep_the_rules(product: str, stack: str, preview: bool) -> None:
    scene = observed_in(rendered_stage(product, stack))
    scene = as_first_preview(scene) if preview else scene
    context = make_context(stack, of=PRODUCTS[product])
    for rule in (*RULES.values(), *worker_values.RULES):
        assert found(rule, *scene, context=context) == []


BINDINGS = [
    {"type": "d1", "name": "DB", "databaseId": "id"},
    {"type": "plain_text", "name": "SECRET", "text": "canary"},
]


@pytest.mark.parametrize("type_", [t.WORKER_VERSION, t.WORKERS_SCRIPT, t.WORKER_SCRIPT])
def test_no_binding_is_inherited(type_: str) -> None:
    rule = RULES["binding-inherited"]
    own = make_resource(type_, bindings=BINDINGS, keepBindings=[], bindingsInherit="strict")
    unknown = changed(changed(own, "bindings", [UNKNOWN, *BINDINGS]), "keepBindings", UNKNOWN)
    assert found(rule, own, unknown, changed(own, "bindings.0.type", UNKNOWN), changed(own, "keepBindings", ...)) == []
    for path, value in (
        ("bindings.0.type", "inherit"),
        ("bindings.0.type", "Inherit"),
        ("bindings.0", {"type": "inherit", "name": "DB", "oldName": "OLD", "versionId": "latest"}),
        ("bindings.0", {"type": "inherit", "name": UNKNOWN}),
        ("keepBindings", ["secret_text"]),
        ("keepBindings", ["secret_text", "plain_text", UNKNOWN]),
    ):
        (message,) = found(rule, unknown, changed(own, path, value))
        assert "canary" not in message
    assert len(found(rule, changed(unknown, "bindings.1.type", "inherit"))) == 1


def test_previews_inherit_no_binding() -> None:
    rule = RULES["binding-inherited"]
    worker = make_resource(t.WORKER, previewsBaseConfig={"env": {"DB": {"type": "d1"}}})
    assert found(rule, worker, changed(worker, "previewsBaseConfig", UNKNOWN)) == []
    assert len(found(rule, changed(worker, "previewsBaseConfig.env.DB.type", "inherit"))) == 1
    pages = make_resource(t.PAGES_PROJECT, deploymentConfigs={"production": {"envVars": {"A": {"type": "inherit"}}}})
    assert len(found(rule, pages)) == 1


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        (make_resource(t.WORKER, tailConsumers=[]), "tailConsumers", [{"name": "reader"}]),
        (make_resource(t.WORKER, tailConsumers=None), "tailConsumers", [{"name": "harbor-staging-worker-clerk"}]),
        (make_resource(t.WORKER), "tailConsumers", [{"name": UNKNOWN}]),
        (
            make_resource(t.WORKER, previewsBaseConfig={"env": {}}),
            "previewsBaseConfig.tailConsumers",
            [{"name": "reader"}],
        ),
        (make_resource(t.WORKER, observability={"logs": {}}), "observability.logs.destinations", ["reader"]),
        (make_resource(t.WORKER, observability={"logs": {}}), "observability.traces", {"destinations": [UNKNOWN, "x"]}),
        (make_resource(t.WORKERS_SCRIPT, observability={}), "observability.logs", {"destinations": ["x"]}),
        (
            make_resource(t.WORKER, previewsBaseConfig={"env": {}}),
            "previewsBaseConfig.observability.logs.destinations",
            ["x"],
        ),
        (make_resource(t.WORKERS_SCRIPT), "tailConsumers", [{"service": "reader", "environment": "production"}]),
        (make_resource(t.WORKER_SCRIPT), "tailConsumers", [UNKNOWN, {"service": "reader", "namespace": "tenants"}]),
    ],
)
def test_nobody_reads_along(resource: ObservedResource, path: str, value: Any) -> None:
    rule = RULES["tail-consumer-not-granted"]
    unknown = changed(resource, "tailConsumers", UNKNOWN)
    assert found(rule, resource, unknown, changed(resource, "tailConsumers", [UNKNOWN])) == []
    assert len(found(rule, unknown, changed(resource, path, value))) == 1


def test_nobody_reads_what_is_not_sent() -> None:
    rule = RULES["tail-consumer-not-granted"]
    kinds: list[Any] = [{"destinations": []}, {"destinations": ["x"], "enabled": False}, {"destinations": [UNKNOWN]}]
    for kind in (*kinds, UNKNOWN):
        assert found(rule, make_resource(t.WORKER, observability={"logs": kind})) == []


@pytest.mark.parametrize("stack", ["development", "staging", "production", "pr-42"])
@pytest.mark.parametrize(
    ("resource", "dev", "previews"),
    [
        (make_resource(t.WORKER), 0, 0),
        (make_resource(t.WORKER, subdomain={}), 0, 0),
        (make_resource(t.WORKER, subdomain={"enabled": False, "previewsEnabled": False}), 0, 0),
        (make_resource(t.WORKER, subdomain={"enabled": False}), 0, 0),
        (make_resource(t.WORKER, subdomain={"enabled": True, "previewsEnabled": False}), 1, 0),
        (make_resource(t.WORKER, subdomain={"enabled": "true", "previewsEnabled": False}), 1, 0),
        (make_resource(t.WORKER, subdomain={"enabled": True}), 1, 1),  # the provider lets previews follow
        (make_resource(t.WORKER, subdomain={"enabled": False, "previewsEnabled": True}), 0, 1),
        (make_resource(t.WORKER, subdomain={"previewsEnabled": True}), 0, 1),
        (make_resource(t.WORKER, subdomain={"enabled": UNKNOWN}), 0, 0),
        (make_resource(t.WORKER, subdomain={"enabled": UNKNOWN, "previewsEnabled": True}), 0, 1),
        (make_resource(t.WORKER, subdomain={"enabled": True, "previewsEnabled": UNKNOWN}), 1, 0),
        (make_resource(t.WORKER, subdomain=UNKNOWN), 0, 0),
        (make_resource(t.WORKERS_SCRIPT_SUBDOMAIN, enabled=False, previewsEnabled=False), 0, 0),
        (make_resource(t.WORKERS_SCRIPT_SUBDOMAIN, enabled=True, previewsEnabled=False), 1, 0),
        (make_resource(t.WORKERS_SCRIPT_SUBDOMAIN, enabled=False, previewsEnabled=True), 0, 1),
        (make_resource(t.WORKERS_SCRIPT_SUBDOMAIN, enabled=False), 0, 1),  # keeps what there was
        (make_resource(t.WORKERS_SCRIPT_SUBDOMAIN, enabled=UNKNOWN, previewsEnabled=UNKNOWN), 0, 0),
    ],
)
def test_only_a_public_development_answers_at_workers_dev(
    resource: ObservedResource, dev: int, previews: int, stack: str
) -> None:
    public = {"access": {"public": True, "emailDomains": []}}
    context, counts = make_context(stack, public), stack in {"staging", "production"}
    unknown = (
        changed(resource, "subdomain", UNKNOWN)
        if resource.type == t.WORKER
        else make_resource(t.WORKER, subdomain=UNKNOWN)
    )
    assert len(found(RULES["workers-dev-open"], unknown, resource, context=context)) == (dev if counts else 0)
    assert len(found(RULES["preview-urls-open"], unknown, resource, context=context)) == (previews if counts else 0)
    closed = make_context(stack, {"access": {"public": False, "emailDomains": ["harbor.example"]}})
    assert len(found(RULES["workers-dev-open"], unknown, resource, context=closed)) == dev
    assert len(found(RULES["preview-urls-open"], unknown, resource, context=closed)) == previews


ZONE = "2f" * 16
DOMAIN = make_resource(
    t.WORKERS_CUSTOM_DOMAIN, hostname="staging.harbor.example", service="harbor-staging-worker-web", zoneId=ZONE
)


@pytest.mark.parametrize("type_", [t.WORKERS_CUSTOM_DOMAIN, t.WORKER_DOMAIN])
@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("hostname", "Staging.Harbor.Example", 0),
        ("zoneId", ..., 0),
        ("zoneName", "harbor.example", 0),
        ("zoneName", "staging.harbor.example", 0),
        ("zoneName", UNKNOWN, 0),
        ("hostname", "harbor.example", 1),
        ("hostname", "pr-42.harbor.example", 1),
        ("hostname", "other.staging.harbor.example", 1),
        ("service", "harbor-production-worker-web", 1),
        ("service", "harbor-staging-worker-booking", 1),  # has no hostname
        ("zoneId", "3f" * 16, 1),
        ("zoneName", "arbor.example", 1),
        ("hostname", UNKNOWN, 0),
        ("service", UNKNOWN, 0),
        ("zoneId", UNKNOWN, 0),
    ],
)
def test_a_stage_takes_its_own_hostnames(path: str, value: Any, expected: int, type_: str) -> None:
    rule = RULES["custom-domain-of-another-stage"]
    own = make_resource(type_, **DOMAIN.props)
    assert found(rule, own) == []
    assert len(found(rule, changed(own, path, value))) == expected
    if value is UNKNOWN and path != "zoneName":
        broken = changed(own, "zoneName", "elsewhere.example")
        assert len(found(rule, changed(broken, path, UNKNOWN))) == 1


TWO = Product("twins", workers=(Worker("a", BUNDLE, host="@"), Worker("b", BUNDLE, host="admin")))


def test_each_hostname_leads_to_its_worker() -> None:
    rule, context = RULES["custom-domain-of-another-stage"], make_context("pr-42", of=TWO)
    admin = make_resource(
        t.WORKERS_CUSTOM_DOMAIN, hostname="admin.pr-42.harbor.example", service="twins-pr-42-worker-b", zoneId="1f" * 16
    )
    assert found(rule, admin, context=context) == []
    assert len(found(rule, changed(admin, "service", "twins-pr-42-worker-a"), context=context)) == 1
    assert len(found(rule, changed(admin, "service", "twins-pr-7-worker-b"), context=context)) == 1


ROUTE = make_resource(
    t.WORKERS_ROUTE, pattern="staging.harbor.example/api/*", script="harbor-staging-worker-web", zoneId=ZONE
)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("pattern", "staging.harbor.example", 0),
        ("pattern", "https://staging.harbor.example/*", 0),
        ("pattern", "Staging.harbor.example/a*", 0),
        ("script", ..., 0),  # no Worker answers there
        ("script", "", 0),
        ("pattern", "*staging.harbor.example/*", 1),
        ("pattern", "*.staging.harbor.example/*", 1),
        ("pattern", "*harbor.example/*", 1),
        ("pattern", "*.harbor.example/*", 1),
        ("pattern", "harbor.example/*", 1),
        ("pattern", "http://*.harbor.example/*", 1),
        ("pattern", "*/*", 1),
        ("pattern", "*", 1),
        ("pattern", "staging.harbor.example*", 1),
        ("pattern", "production.example/staging.harbor.example/*", 1),
        ("script", "harbor-production-worker-web", 1),
        ("zoneId", "3f" * 16, 1),
        ("pattern", UNKNOWN, 0),
        ("script", UNKNOWN, 0),
        ("zoneId", UNKNOWN, 0),
    ],
)
def test_a_route_catches_the_stages_own_hosts(path: str, value: Any, expected: int) -> None:
    rule = RULES["route-catches-foreign-host"]
    assert found(rule, ROUTE) == []
    assert len(found(rule, changed(ROUTE, path, value))) == expected
    if value is UNKNOWN:
        broken = changed(changed(ROUTE, "pattern", "*/*"), "script", "theirs")
        assert len(found(rule, changed(broken, path, UNKNOWN), ROUTE)) == (2 if path == "zoneId" else 1)


def test_production_may_route_its_apex_only() -> None:
    rule, context = RULES["route-catches-foreign-host"], make_context("production")
    own = make_resource(t.WORKERS_ROUTE, pattern="harbor.example/*", zoneId="3f" * 16)
    assert found(rule, own, context=context) == []
    assert len(found(rule, changed(own, "pattern", "*harbor.example/*"), context=context)) == 1


EVENTS = make_resource(t.QUEUE, "events", queueName="harbor-staging-queue-events", queueId="events-id")
FAILED = make_resource(t.QUEUE, "failed", queueName="harbor-staging-queue-events-failed", queueId="failed-id")
THEIRS = make_resource(t.QUEUE, "theirs", queueName="harbor-production-queue-events", queueId="their-id")
CLERK = make_resource(t.WORKER, "clerk", name="harbor-staging-worker-clerk")
WEB = make_resource(t.WORKER, "web", name="harbor-staging-worker-web")
QUEUES = (EVENTS, FAILED, THEIRS, CLERK, WEB)


def consumer(
    queue: ObservedResource = EVENTS, script: ObservedResource = CLERK, dead: ObservedResource = FAILED, **props: Any
) -> ObservedResource:
    said = {
        "type": "worker",
        "queueId": queue.props["queueId"],
        "scriptName": script.props["name"],
        "deadLetterQueue": dead.props["queueName"],
        "settings": {"batchSize": 10},
    }
    sources = {"queueId": [queue], "scriptName": [script], "deadLetterQueue": [dead]}
    name = "changed" if props else "own"
    return make_resource(t.QUEUE_CONSUMER, name, sources=sources, **{**said, **props})


@pytest.mark.parametrize(
    "props",
    [
        {"scriptName": "harbor-staging-worker-web"},
        {"scriptName": "harbor-production-worker-clerk"},
        {"scriptName": None},
        {"type": "http_pull"},
        {"type": "http_pull", "scriptName": None},
        {"queueId": "failed-id"},
        {"queueId": "their-id"},
        {"queueId": "somebody"},
        {"deadLetterQueue": "harbor-staging-queue-events"},
        {"deadLetterQueue": "harbor-production-queue-events-failed"},
        {"deadLetterQueue": None},
        {"deadLetterQueue": ""},
    ],
)
def test_a_queue_is_consumed_by_whom_the_product_names(props: dict[str, Any]) -> None:
    rule = RULES["queue-consumer-not-granted"]
    assert found(rule, *QUEUES, consumer(), consumer(type="Worker")) == []
    unknown = consumer(scriptName=UNKNOWN, deadLetterQueue=UNKNOWN, type=UNKNOWN)
    (message,) = found(rule, unknown, *QUEUES, consumer(**props))
    assert "changed" in message


@pytest.mark.parametrize(
    ("queue", "script", "dead", "expected"),
    [
        (EVENTS, CLERK, FAILED, 0),
        (FAILED, CLERK, FAILED, 1),
        (THEIRS, CLERK, FAILED, 1),
        (EVENTS, WEB, FAILED, 1),
        (EVENTS, CLERK, EVENTS, 1),
    ],
)
def test_a_first_preview_joins_a_consumer_to_its_queue(
    queue: ObservedResource, script: ObservedResource, dead: ObservedResource, expected: int
) -> None:
    rule = RULES["queue-consumer-not-granted"]
    said = {"queueId": UNKNOWN, "scriptName": UNKNOWN, "deadLetterQueue": UNKNOWN}
    new = [changed(each, "queueId", UNKNOWN) for each in (EVENTS, FAILED, THEIRS)]
    assert len(found(rule, *new, CLERK, WEB, consumer(queue, script, dead, **said))) == expected
    assert len(found(rule, *new, CLERK, WEB, consumer(queue, script, dead, queueId=UNKNOWN))) == expected


def test_a_consumer_of_no_queue_of_the_stack_is_found() -> None:
    rule = RULES["queue-consumer-not-granted"]
    stray = make_resource(t.QUEUE_CONSUMER, type="worker", queueId=UNKNOWN, scriptName="harbor-staging-worker-clerk")
    assert len(found(rule, *QUEUES, stray)) == 1
    nameless = changed(EVENTS, "queueName", UNKNOWN)
    later = make_resource(t.QUEUE_CONSUMER, queueId=UNKNOWN, type="worker", sources={"queueId": [nameless]})
    assert found(rule, nameless, later) == []


def test_a_queue_without_dead_letters_has_none() -> None:
    rule = RULES["queue-consumer-not-granted"]
    worker = Worker("one", BUNDLE)
    context = make_context(
        "staging", of=Product("mill", workers=(worker,), queues=(Queue("in", consumer="one"), Queue("out")))
    )
    queue = make_resource(t.QUEUE, queueName="mill-staging-queue-in", queueId="in-id")
    own = make_resource(t.QUEUE_CONSUMER, queueId="in-id", type="worker", scriptName="mill-staging-worker-one")
    assert found(rule, queue, own, changed(own, "deadLetterQueue", ""), context=context) == []
    assert len(found(rule, queue, changed(own, "deadLetterQueue", "mill-staging-queue-out"), context=context)) == 1
    assert found(rule, queue, context=make_context("staging", of=SECOND_PRODUCT)) == []
