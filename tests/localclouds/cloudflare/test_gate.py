"""Requests are divided between two versions of a Worker, as the deployment says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest

from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.providers.handler import ApiRefusal
from bulkhead.localclouds.providers.store import Record
from tests.localclouds.cloudflare.account import Account, durable

pytestmark = pytest.mark.slow

CODE = """
import {{ DurableObject, WorkerEntrypoint }} from "cloudflare:workers";
export class Count extends DurableObject {{
  async next() {{
    const next = ((await this.ctx.storage.get("n")) ?? 0) + 1;
    await this.ctx.storage.put("n", next);
    return next;
  }}
}}
export class Admin extends WorkerEntrypoint {{ who(greet) {{ return greet("{name}"); }} }}
export default class extends WorkerEntrypoint {{
  async fetch(request) {{
    const count = this.env.COUNT.get(this.env.COUNT.idFromName("all"));
    return Response.json({{ version: "{name}", id: this.env.VERSION.id, count: await count.next() }});
  }}
  add(a, b) {{ return a + b; }}
  async scheduled({{ cron }}) {{ await this.env.KV.put("cron", `{name} ${{cron}}`); }}
  async queue(batch) {{
    for (const message of batch.messages) {{
      await this.env.KV.put(`message ${{message.body.at}} ${{message.attempts}}`, "{name}");
      if (message.body.again && message.attempts === 1) message.retry();
    }}
  }}
}}
"""
CALLER = """
export default {
  async fetch(request, env) {
    const greeted = await env.ADMIN.who((name) => `hello ${name}`);
    const passed = await (await env.WEB.fetch(request)).json();
    return Response.json({ sum: await env.WEB.add(1, 2), greeted, passed });
  },
};
"""


class Divided:
    """A Worker with two versions; ``divide`` says how many per cent of its requests the second gets."""

    def __init__(self, account: Account, web: Record, first: Record, second: Record, cloud: LocalCloudflare) -> None:
        self.account = account
        self.first, self.second = first.id, second.id
        self._web, self._versions, self._cloud = web, (first, second), cloud

    def divide(self, share: float) -> StageCloud:
        first, second = self._versions
        shares = [(first, 100 - share), (second, share)]
        self.account.deployment(self._web, *(shares if share < 100 else [(second, 100)]))
        self._cloud.apply(self.account.records)
        return self._cloud.client

    def counted(self, times: int, **headers: str) -> Counter[str]:
        answers = (self._cloud.client.visit("example.com", "/", headers=headers).json() for _ in range(times))
        return Counter(str(answer["version"]) for answer in answers)


@pytest.fixture
def divided(cloud: LocalCloudflare) -> Divided:
    account = Account(cloud.uploads)
    account.namespace("kv")
    web = account.worker("web")
    bindings = (
        {"type": "durable_object_namespace", "name": "COUNT", "className": "Count"},
        {"type": "kv_namespace", "name": "KV", "namespaceId": "kv"},
        {"type": "version_metadata", "name": "VERSION"},
    )
    old, new = (
        account.version(web, CODE.format(name=name), *bindings, exports=durable("Count")) for name in ("old", "new")
    )
    account.domain("example.com", "web")
    account.deployment(web, (old, 100))
    return Divided(account, web, old, new, cloud)


def version_key(version: str) -> dict[str, str]:
    return {"Cloudflare-Workers-Version-Overrides": f'other="x", web="{version}"'}


def test_each_version_gets_its_share_and_what_is_stored_belongs_to_both(divided: Divided) -> None:
    divided.divide(0)
    assert divided.counted(3) == {"old": 3}
    stage = divided.divide(25)
    seen = divided.counted(300)
    assert 40 <= seen["new"] <= 115, "of 300 with 25 %: five standard deviations off happen once in a million runs"
    divided.divide(100)
    assert divided.counted(3) == {"new": 3}
    assert stage.fetch("web", "/").json()["count"] == 307, "one object counted the requests of both versions"


def test_a_share_of_nothing_is_reached_by_an_override_alone(divided: Divided) -> None:
    stage = divided.divide(0)
    assert divided.counted(40) == {"old": 40}
    answer = stage.visit("example.com", "/", headers=version_key(divided.second)).json()
    assert (answer["version"], answer["id"]) == ("new", divided.second)
    assert divided.counted(3, **version_key("no-such-version")) == {"old": 3}, "what is not deployed is not applied"
    assert divided.counted(3, **{"Cloudflare-Workers-Version-Overrides": f"web={divided.second}"}) == {"old": 3}


def test_a_version_key_stays_with_the_new_version_while_its_share_grows(divided: Divided) -> None:
    keys = [str(number) for number in range(60)]

    def on_new(share: float) -> set[str]:
        stage = divided.divide(share)
        return {
            key
            for key in keys
            if stage.fetch("web", "/", headers={"Cloudflare-Workers-Version-Key": key}).json()["version"] == "new"
        }

    few, more = on_new(20), on_new(60)
    assert few == on_new(20), "a key always leads to the same version"
    assert 0 < len(few) < len(more) < len(keys)
    assert few < more


def test_calls_of_other_workers_reach_a_version(divided: Divided) -> None:
    divided.account.deployed(
        "caller",
        CALLER,
        {"type": "service", "name": "WEB", "service": "web"},
        {"type": "service", "name": "ADMIN", "service": "web", "entrypoint": "Admin"},
    )
    stage = divided.divide(50)
    answer = stage.fetch("caller", "/", headers=version_key(divided.second)).json()
    assert answer["sum"] == 3
    assert answer["greeted"] in {"hello old", "hello new"}
    assert answer["passed"]["version"] == "new", "an override that a Worker hands on is applied"
    assert stage.env_keys("web") == ["COUNT", "KV", "VERSION"]


def test_shares_change_while_messages_wait(divided: Divided) -> None:
    queue = divided.account.queue("events")
    divided.account.consumer(queue, "web", maxWaitTimeMs=2000, retryDelay=0)
    divided.account.crons("web", "0 * * * *")
    stage = divided.divide(0)
    stage.queue_send("events", {"at": 1}, {"at": 2, "again": True})
    divided.divide(100 - 0.01)
    _wait_until(lambda: len(stage.kv_list("kv", "message")) == 3)
    assert stage.kv_list("kv", "message") == ["message 1 1", "message 2 1", "message 2 2"]
    assert stage.scheduled("web", "0 * * * *") == "ok"
    assert str(stage.kv_get("kv", "cron")).endswith(" 0 * * * *")


def test_a_second_version_that_cannot_start_leaves_the_first_alone(divided: Divided, cloud: LocalCloudflare) -> None:
    stage = divided.divide(50)
    account = divided.account
    web, first = (next(one for one in account.records if one.id == id_) for id_ in ("web-id", divided.first))
    account.deployment(web, (first, 50), (account.version(web, "throw new Error('not today')"), 50))
    with pytest.raises(ApiRefusal, match=r"Worker web@.*not today"):
        cloud.apply(account.records)
    assert set(divided.counted(20)) == {"old", "new"}
    assert stage.env_keys("web") == ["COUNT", "KV", "VERSION"]


def _wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
