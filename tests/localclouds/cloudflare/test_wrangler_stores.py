"""wrangler's commands for KV, R2 and queues work against the local Cloudflare, and do what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from tests.localclouds.cloudflare.wrangler import Wrangler
from tests.support.cloudflare_api import ACCOUNT, TOKEN, ZONE, Api, open_api

pytestmark = pytest.mark.slow

ROOT = f"/accounts/{ACCOUNT}"


@dataclass
class Shell:
    """``api`` and ``cloud`` are what wrangler's commands end in."""

    wrangler: Wrangler
    api: Api
    cloud: StageCloud

    def run(self, command: str, *more: str) -> str:
        return self.wrangler.done(*command.split(), *more).out

    def refused(self, command: str) -> str:
        said = self.wrangler.run(*command.split())
        assert said.code == 1, said.out
        return said.out + said.err


@pytest.fixture
def shell(tmp_path: Path, shared_cloud: LocalCloudflare) -> Iterator[Shell]:
    api = open_api(tmp_path, running=shared_cloud)
    server = ApiServer(api.app)
    wrangler = Wrangler(tmp_path / "wrangler", f"{server.url}{PREFIX}", ACCOUNT, TOKEN)
    wrangler.configure("shop")
    yield Shell(wrangler, api, shared_cloud.client)
    server.stop()
    assert api.journal.unknown() == [], "wrangler asked for what the local Cloudflare does not have"
    api.journal.close()
    api.resources.store.close()


def test_kv(shell: Shell) -> None:
    shell.run("kv namespace create sessions")
    (namespace,) = json.loads(shell.run("kv namespace list"))
    assert "A KV namespace with the title" in shell.refused("kv namespace create sessions"), "it knows the code 10014"
    of = ("--remote", "--namespace-id", namespace["id"])
    shell.run("kv key put", "a/b c", "value", "--metadata", '{"by":"me"}', "--ttl", "3600", *of)
    assert shell.cloud.kv_get(namespace["id"], "a/b c") == "value"
    assert shell.run("kv key get", "a/b c", *of).strip() == "value"
    (key,) = json.loads(shell.run("kv key list --prefix a/", *of))
    assert (key["name"], key["metadata"]) == ("a/b c", {"by": "me"})
    shell.wrangler.write("pairs.json", json.dumps([{"key": "x", "value": "1"}, {"key": "y", "value": "2"}]))
    shell.run("kv bulk put pairs.json", *of)
    shell.wrangler.write("keys.json", json.dumps(["x", "y"]))
    assert '"x"' in shell.run("kv bulk get keys.json", *of)
    shell.run("kv bulk delete keys.json --force", *of)
    shell.run("kv key delete", "a/b c", *of)
    assert shell.cloud.kv_list(namespace["id"]) == []
    shell.run("kv namespace delete --namespace-id", namespace["id"], "--skip-confirmation")
    assert shell.api.result("GET", f"{ROOT}/storage/kv/namespaces") == []


def test_r2(shell: Shell) -> None:
    shell.run("r2 bucket create files --location apac")
    assert "10004" in shell.refused("r2 bucket create files")
    assert "files" in shell.run("r2 bucket list")
    shell.wrangler.write("picture.png", "content")
    shell.run("r2 object put files/a/b.png --remote --file picture.png --content-type image/png")
    assert shell.cloud.r2_get("files", "a/b.png") == b"content"
    shell.run("r2 object get files/a/b.png --remote --file back.png")
    assert (shell.wrangler.project / "back.png").read_bytes() == b"content"
    assert "10008" in shell.refused("r2 bucket delete files")
    shell.run("r2 object delete files/a/b.png --remote")
    shell.run("r2 bucket lifecycle add files old reports/ --expire-days 7")
    assert "reports/" in shell.run("r2 bucket lifecycle list files")
    shell.run("r2 bucket delete files")
    assert shell.api.result("GET", f"{ROOT}/r2/buckets") == {"buckets": []}


def test_what_is_beside_a_bucket(shell: Shell) -> None:
    shell.run("r2 bucket create files")
    shell.run("queues create events")
    rule = "r2 bucket notification create files --queue events --event-type"
    shell.run(f"{rule} object-create --prefix a/")
    shell.run(f"{rule} object-delete")
    assert "two rules" in shell.refused(f"{rule} object-create --prefix a/b/")
    listed = shell.run("r2 bucket notification list files")
    assert all(part in listed for part in ("events", "a/", "LifecycleDeletion"))
    shell.run("r2 bucket notification delete files --queue events")
    shell.run(f"r2 bucket domain add files --domain files.example.com --zone-id {ZONE} --force")
    shell.run("r2 bucket domain update files --domain files.example.com --min-tls 1.2")
    assert "1.2" in shell.run("r2 bucket domain get files --domain files.example.com")
    shell.run("r2 bucket domain remove files --domain files.example.com --force")
    assert "files.example.com" not in shell.run("r2 bucket domain list files")
    shell.run("queues delete events")
    shell.run("r2 bucket delete files")


def test_queues(shell: Shell) -> None:
    shell.run("queues create events")
    assert "11009" in shell.refused("queues create events")
    assert "events" in shell.run("queues list")
    shell.run("queues pause-delivery events")
    (queue,) = shell.api.result("GET", f"{ROOT}/queues")
    assert queue["settings"]["delivery_paused"] is True
    shell.run("queues update events --delivery-delay-secs 5")
    shell.run("queues resume-delivery events")
    shell.cloud.queue_send("events", "one")
    shell.run("queues purge events --force")
    shell.run("queues consumer http add events")
    (queue,) = shell.api.result("GET", f"{ROOT}/queues")
    assert queue["settings"].items() >= {"delivery_paused": False, "delivery_delay": 5}.items()
    assert [one["type"] for one in queue["consumers"]] == ["http_pull"]
    shell.run("queues consumer http remove events")
    shell.run("queues delete events")
    assert shell.api.result("GET", f"{ROOT}/queues") == []
