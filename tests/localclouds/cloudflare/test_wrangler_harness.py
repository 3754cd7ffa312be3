"""The wrangler of the tests is the pinned one, is alone with the local Cloudflare, and costs no second download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bulkhead.model.project import ROOT
from tests.localclouds.cloudflare.wrangler import Wrangler

ACCOUNT = "0123456789abcdef0123456789abcdef"
NOBODY = "http://127.0.0.1:9/client/v4"  # the port of a service that nothing has served for decades


@pytest.fixture
def wrangler(tmp_path: Path) -> Wrangler:
    made = Wrangler(tmp_path, NOBODY, ACCOUNT, "a-token")
    database = {"binding": "DB", "database_name": "main", "database_id": "11111111-2222-3333-4444-555555555555"}
    made.configure("shop", d1_databases=[database])
    return made


def locked(folder: str) -> dict[str, Any]:
    text = (ROOT / folder / "package-lock.json").read_text(encoding="utf-8")
    packages: dict[str, Any] = json.loads(text)["packages"]
    return {name: each for name, each in packages.items() if name}


def test_the_lock_names_no_registry_and_a_checksum_of_everything() -> None:
    for name, each in locked("tools/wrangler").items():
        assert each["integrity"].startswith("sha512-"), name
        assert "resolved" not in each, name


def test_wrangler_brings_the_runtime_and_the_bundler_that_the_workers_have() -> None:
    ours, theirs = locked("worker"), locked("tools/wrangler")
    large = [
        name for name in theirs if name.startswith(("node_modules/@cloudflare/workerd-", "node_modules/@esbuild/"))
    ]
    assert len(large) > 10
    for name in ["node_modules/workerd", "node_modules/esbuild", *large]:
        assert theirs[name]["integrity"] == ours[name]["integrity"], name


@pytest.mark.slow
def test_a_command_works_in_its_project_and_asks_nobody(wrangler: Wrangler) -> None:
    said = wrangler.done("d1", "migrations", "create", "DB", "first", "--config", "wrangler.jsonc")
    assert "0001_first.sql" in said.out
    assert (wrangler.project / "migrations/0001_first.sql").exists()
    assert wrangler.run("--version").out.strip() == locked("tools/wrangler")["node_modules/wrangler"]["version"]


@pytest.mark.slow
def test_the_cloud_that_is_given_is_the_one_that_is_asked(wrangler: Wrangler) -> None:
    said = wrangler.run("d1", "list", environment={"WRANGLER_LOG": "debug"})
    assert said.code == 1
    assert f"GET {NOBODY}/accounts/{ACCOUNT}/d1/database" in said.out + said.err


@pytest.mark.slow
def test_a_command_that_wants_to_leave_the_machine_is_caught(wrangler: Wrangler) -> None:
    with pytest.raises(AssertionError, match=r"wrangler d1 list asked sparrow\.cloudflare\.com"):
        wrangler.run("d1", "list", environment={"WRANGLER_SEND_METRICS": "true"})
