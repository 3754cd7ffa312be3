"""What somebody plants beside the product: a binding that was not granted, and a use of one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.bindings import KV
from tests.localclouds.cloudflare.account import Account
from tests.support.leaky_code import LEAKY_CODE
from tests.support.planted_binding import PLANTED
from tests.support.rehearsal_command import ROOT, started

pytestmark = pytest.mark.slow

(BORROWER,) = LEAKY_CODE.workers
OWNER = """
export default {
  async fetch(request, env) { await env.ANSWERS.put("anything", "theirs"); return new Response("kept"); }
};
"""


def test_a_planted_binding_is_seen_by_the_policies_and_inside_the_running_worker(tmp_path: Path) -> None:
    options = ("--json", "--stage", "development")
    with started(tmp_path, *options, module="tests.support.planted_binding") as command:
        assert command.finished() == 1
        report = json.loads(command.output)
        verdicts = {verdict["key"]: verdict for verdict in report["verdicts"]}
        assert {key for key, verdict in verdicts.items() if verdict["outcome"] == "failed"} == {"bindings", "policies"}
        assert f"too many: ['{PLANTED}']" in verdicts["bindings"]["seen"]
        assert "worker-binding-not-granted" in verdicts["policies"]["seen"]
        assert PLANTED in verdicts["policies"]["seen"]
        assert command.left() == []


def test_a_right_that_the_deploying_token_lacks_stops_the_stage(tmp_path: Path) -> None:
    undisturbed = ("--record", str(tmp_path / "calls.json"))  # no call is made to fail beside those without the right
    with started(tmp_path, "--stage", "development", *undisturbed, module="tests.support.missing_right") as command:
        assert command.finished() == 1
        said = command.output + command.errors
        assert "Authentication error" in said
        assert "WorkersKvNamespace" in said or "workersKvNamespace" in said
        assert "D1Database" not in said
        assert command.left() == []


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[StageCloud]:
    """A stage in which a Worker uses, in its code, a namespace that only another Worker is granted."""
    bundle = tmp_path / "borrower.js"
    esbuild = str(ROOT / "worker/node_modules/.bin/esbuild")
    options = ("--bundle", "--format=esm", "--log-level=error", f"--outfile={bundle}")
    subprocess.run([esbuild, BORROWER.entry, *options], cwd=ROOT, check=True)
    with LocalCloudflare("development", tmp_path / "development", ROOT, str(tmp_path)) as local:
        account = Account(local.uploads)
        for namespace in LEAKY_CODE.namespaces:
            account.namespace(f"kv-{namespace.name}", namespace.name)
        account.deployed("owner", OWNER, wired("ANSWERS", "answers"))
        granted = [wired(each.name, each.namespace) for each in BORROWER.bindings if isinstance(each, KV)]
        account.deployed("borrower", bundle, *granted)
        account.deployed("friend", bundle, *granted, wired("ANSWERS", "answers"))
        local.apply(account.records)
        assert local.client.fetch("owner", "/").text == "kept"
        yield local.client


def wired(name: str, namespace: str) -> dict[str, str]:
    return {"type": "kv_namespace", "name": name, "namespaceId": f"kv-{namespace}"}


def test_a_planted_use_of_anothers_binding_fails_and_shows_nothing_of_theirs(cloud: StageCloud) -> None:
    """The same source is refused by the compiler and by `bulkhead bindings check`: tests/cli/test_bindings.py."""
    answer = cloud.fetch("borrower", "/")
    assert answer.status == 500
    assert answer.text.startswith("TypeError: Cannot read properties of undefined (reading 'get')")
    assert "theirs" not in answer.text
    assert cloud.env_keys("borrower") == ["SESSIONS"]
    granted = cloud.fetch("friend", "/")
    assert (granted.status, granted.text) == (200, "theirs"), "with the grant, the same code reads it"
