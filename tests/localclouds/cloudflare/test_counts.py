"""What happens in a stage is counted, whoever caused it, and for the version that it happened to."""

from __future__ import annotations

import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.delivery.signals import Signals
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t
from tests.localclouds.cloudflare.account import Account, durable
from tests.support.cloudflare_api import ACCOUNT, STAGING, TOKEN, ZONE, open_api

pytestmark = pytest.mark.slow

WORKERS: Final = "workersInvocationsAdaptive"
EDGE: Final = "httpRequestsAdaptiveGroups"
CODE: Final = """
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
export class Count extends DurableObject { next() { return 1; } }
export class Admin extends WorkerEntrypoint { greet() { return "hello"; } }
async function trickle(writer) {
  for (let part = 0; part < 50; part++) {
    await writer.write(new TextEncoder().encode("part"));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === "/throw") throw new Error("as it happens");
    if (pathname === "/500") return new Response("no", { status: 500 });
    if (pathname === "/slow") await new Promise((resolve) => setTimeout(resolve, 150));
    if (pathname === "/long") {
      const { readable, writable } = new TransformStream();
      ctx.waitUntil(trickle(writable.getWriter()));
      return new Response(readable);
    }
    if (pathname === "/object") await env.COUNT.get(env.COUNT.idFromName("all")).next();
    if (pathname === "/queue") await env.EVENTS.send(1);
    return new Response("fine");
  },
  async queue() {},
  async scheduled() { throw new Error("as it happens"); },
};
"""
CALLER: Final = """
export default {
  async fetch(request, env) {
    await env.ADMIN.greet();
    return env.WEB.fetch(new Request("http://inside/500"));
  },
};
"""


class Counted:
    """A stage with a Worker `web` on example.com, called by `caller` on www.example.com."""

    def __init__(self, cloud: LocalCloudflare) -> None:
        self.cloud, self.account, self.began = cloud, Account(cloud.uploads), int(time.time())
        events = self.account.queue("events")
        self.web = self.account.worker("web")
        bindings = (
            {"type": "durable_object_namespace", "name": "COUNT", "className": "Count"},
            {"type": "queue", "name": "EVENTS", "queueName": "events"},
        )
        self.one = self.account.version(self.web, CODE, *bindings, exports=durable("Count"))
        self.two = self.account.version(self.web, CODE, *bindings, exports=durable("Count"))
        self.account.deployment(self.web, (self.one, 100))
        self.account.consumer(events, "web", batchSize=1)
        self.account.crons("web", "0 3 * * *")
        self.account.domain("example.com", "web")
        calls = (
            {"type": "service", "name": "WEB", "service": "web"},
            {"type": "service", "name": "ADMIN", "service": "web", "entrypoint": "Admin"},
        )
        self.account.deployed("caller", CALLER, *calls)
        self.account.domain("www.example.com", "caller")
        cloud.apply(self.account.records)

    @property
    def stage(self) -> StageCloud:
        return self.cloud.client

    def divide(self, *shares: tuple[Record, float]) -> None:
        self.account.deployment(self.web, *shares)
        self.cloud.apply(self.account.records)

    def visit(self, path: str, host: str = "example.com", **headers: str) -> int:
        return self.stage.visit(host, path, headers=headers).status

    def told(self, dataset: str, *names: str) -> Counter[tuple[Any, ...]]:
        """Return how often what is alike in ``names`` was counted."""
        found = Counter[tuple[Any, ...]]()
        for row in self.stage.counted(dataset, self.began, time.time()):
            found[tuple(row.dimensions[name] for name in names)] += row.count
        return found

    def awaited(self, times: int) -> Counter[tuple[Any, ...]]:
        """Return the invocations when there are so many: one is told of when it has ended, a moment after its reply."""
        until = time.monotonic() + 10
        while True:
            found = self.told(WORKERS, "scriptName", "scriptVersion", "status")
            if found.total() >= times or time.monotonic() > until:
                return found
            time.sleep(0.05)


@pytest.fixture
def counted(cloud: LocalCloudflare) -> Counted:
    return Counted(cloud)


def test_a_thrown_exception_is_an_error_and_a_returned_500_is_not(counted: Counted) -> None:
    assert [counted.visit(path) for path in ("/", "/500", "/throw")] == [200, 500, 500]
    one = counted.one.id
    assert counted.awaited(3) == {("web", one, "success"): 2, ("web", one, "scriptThrewException"): 1}
    rows = counted.stage.counted(WORKERS, counted.began, time.time())
    assert sum(row.sums["errors"] for row in rows) == 1
    assert counted.told(EDGE, "clientRequestHTTPHost", "edgeResponseStatus") == {
        ("example.com", 200): 1,
        ("example.com", 500): 2,
    }


def test_what_no_visitor_asked_for_is_counted_too_but_not_by_the_edge(counted: Counted) -> None:
    assert counted.visit("/", "www.example.com") == 500
    assert counted.visit("/queue") == 200
    assert counted.stage.scheduled("web", "0 3 * * *") == "exception"
    one = counted.one.id
    caller = next(name for name in counted.awaited(6) if name[0] == "caller")
    assert counted.awaited(6) == {
        caller: 1,
        ("web", one, "success"): 4,  # the request of `caller`, its call of a method, /queue, the message
        ("web", one, "scriptThrewException"): 1,  # the cron trigger
    }
    assert counted.told(EDGE, "clientRequestHTTPHost", "edgeResponseStatus") == {
        ("www.example.com", 500): 1,
        ("example.com", 200): 1,
    }


def test_an_object_has_invocations_of_its_own_and_a_proof_has_none(counted: Counted) -> None:
    assert counted.visit("/object") == 200
    assert counted.stage.env_keys("web") == ["COUNT", "EVENTS"]
    time.sleep(0.3)
    assert counted.awaited(1) == {("web", counted.one.id, "success"): 1}


def test_the_time_of_an_invocation_is_what_it_took(counted: Counted) -> None:
    counted.visit("/slow")
    counted.awaited(1)
    (row,) = counted.stage.counted(WORKERS, counted.began, time.time())
    ((wall, times),) = row.samples["wallTime"]
    assert times == 1
    assert 150_000 <= wall < 2_000_000


def test_each_version_is_counted_and_nothing_is_forgotten_when_another_one_comes(counted: Counted) -> None:
    counted.visit("/throw")
    counted.awaited(1)
    counted.divide((counted.one, 90), (counted.two, 10))
    override = {"Cloudflare-Workers-Version-Overrides": f'web="{counted.two.id}"'}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: counted.visit("/"), range(200)))
    for _ in range(3):
        counted.visit("/throw", **override)
    found = counted.awaited(204)
    one, two = counted.one.id, counted.two.id
    assert found.total() == 204
    assert found["web", one, "scriptThrewException"] == 1
    assert found["web", two, "scriptThrewException"] == 3
    assert 2 <= found["web", two, "success"] <= 45, "of 200 with 10 %: beyond that once in a million runs"


def test_a_visitor_who_leaves_is_no_error(counted: Counted) -> None:
    address = urlsplit(counted.stage.url)
    with socket.create_connection((address.hostname, address.port)) as visitor:
        visitor.sendall(b"GET /long HTTP/1.1\r\nHost: example.com\r\n\r\n")
        assert visitor.recv(4096)
    assert counted.awaited(1) == {("web", counted.one.id, "clientDisconnected"): 1}


def test_a_deployment_sees_what_its_users_meet(counted: Counted, tmp_path: Path) -> None:
    """A minute of two seconds, known one second later: what delivery asks, from what Miniflare did."""
    opened = open_api(tmp_path / "api", STAGING, running=counted.cloud, analytics_delay=1.0)
    # That there is a Worker tells the API of the environment; what runs comes next.
    opened.resources.create(Caller("staging", "cloudflare", {}), t.WORKER, "", {"accountId": ACCOUNT, "name": "web"})
    counted.divide((counted.one, 50), (counted.two, 50))
    time.sleep(2 - time.time() % 2)  # a minute begins
    minute, two = int(time.time()) // 2, {"Cloudflare-Workers-Version-Overrides": f'web="{counted.two.id}"'}
    for _ in range(5):
        counted.visit("/", **{"Cloudflare-Workers-Version-Overrides": f'web="{counted.one.id}"'})
    for path in ("/", "/500", "/throw"):
        counted.visit(path, **two)
    with Rest(CLOUDFLARE, TOKEN, opened.transport()) as rest:
        signals = Signals(rest, ACCOUNT, ZONE, delay=1.0, span=2)
        assert signals.minute("web", [counted.one.id], minute) is None
        time.sleep((minute + 1) * 2 + 1.2 - time.time())
        found, edge = (
            signals.minute("web", [counted.one.id, counted.two.id], minute),
            signals.edge("example.com", minute),
        )
    opened.journal.close()
    opened.resources.store.close()
    assert found is not None
    assert edge is not None
    assert [(found[each.id].requests, found[each.id].errors) for each in (counted.one, counted.two)] == [(5, 0), (3, 1)]
    assert (edge.requests, edge.errors) == (8, 2)
