"""`bulkhead validate`: what is looked at, what is kept of it, and what stops somebody who forgot something."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest

from bulkhead.cli.main import main
from bulkhead.delivery.build import checked_out
from bulkhead.delivery.validate import looks
from bulkhead.delivery.validation import ITEMS, Check, Item, Record, read_record
from bulkhead.model.access import KEY_ID, KEY_SECRET
from bulkhead.model.bundles import Bundle
from bulkhead.model.faults import Fault, Refused

MIGRATIONS = {"main": {"0001_first.sql": "c" * 64}}
BUNDLES = {"web": Bundle("worker/dist/web.js", "a" * 64)}


@pytest.fixture
def record(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """What staging says of the checkout as it is, built and with its migrations."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init"], ["add", "."], [*who, "commit", "--message", "one"]):
        subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True)
    monkeypatch.setattr("bulkhead.model.bundles.read_bundles", lambda *_: BUNDLES)
    monkeypatch.setattr("bulkhead.delivery.validate.checksums", lambda *_: MIGRATIONS)
    monkeypatch.setattr("bulkhead.delivery.migrations.stage.folders", lambda *_: [])
    source = checked_out(checkout)
    checks = [Check(item, "one", True, "") for item in ITEMS]  # type: ignore[arg-type]
    bundles = {worker: bundle.sha256 for worker, bundle in BUNDLES.items()}
    return Record(source.commit, source.tree, bundles, MIGRATIONS, checks, "2026-11-30T12:00:00Z", "deployer")


def test_without_a_token_of_github_nothing_is_looked_at(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    assert main(["validate", "staging"]) == 1
    assert "export GITHUB_TOKEN=$(gh auth token)" in capsys.readouterr().err


def fine(item: str) -> Iterator[Check]:
    yield Check(cast(Item, item), "one", True, "seen")


def refusing() -> Iterator[Check]:
    raise Refused("Nobody answers.", [Fault("GET /x", "403: forbidden")])


def looking(monkeypatch: pytest.MonkeyPatch, bad: str = "") -> None:
    """Let each item be looked at, and let one look be refused."""
    monkeypatch.setenv("GITHUB_TOKEN", "a-token")
    monkeypatch.setenv("CLOUDFLARE", "a-token")
    monkeypatch.setenv("CF_ACCESS_CLIENT_ID", "a-key.access")
    monkeypatch.setenv("CF_ACCESS_CLIENT_SECRET", "of-the-door")
    monkeypatch.setenv(KEY_ID, "a-robot")
    monkeypatch.setenv(KEY_SECRET, "and-its-key")
    looks = [(item, refusing if item == bad else partial(fine, item)) for item in ITEMS]
    monkeypatch.setattr("bulkhead.delivery.validate.looks", lambda _: iter(looks))


@pytest.mark.parametrize(("bad", "code"), [("", 0), ("alarms", 1)])
def test_what_was_seen_is_written_down_and_kept_whatever_came_of_it(
    checkout: Path, record: Record, monkeypatch: pytest.MonkeyPatch, bad: str, code: int
) -> None:
    looking(monkeypatch, bad)
    files = {name: str(checkout / f"out.{name}") for name in ("report", "summary")}
    words = [word for name, file in files.items() for word in (f"--{name}", file)]
    place = ["--keep", str(checkout / "kept"), "--by", "deployer", "--token-env", "CLOUDFLARE"]
    assert main(["validate", "staging", *words, *place]) == code
    kept = read_record((checkout / "kept" / "validation" / f"{record.tree}.json").read_text(), "kept")
    assert kept.passed is (code == 0)
    assert kept == read_record((checkout / "out.report").read_text(), "report")
    assert (kept.tree, kept.by, kept.bundles) == (record.tree, "deployer", record.bundles)
    assert ("403: forbidden" in (checkout / "out.summary").read_text()) is (code == 1)


def test_every_item_is_looked_at() -> None:
    """What a look does not yield has not passed, so a forgotten one would stop every release."""
    told = {item for item, _ in looks(cast(Any, Mock()))}
    with_another = {"tests": "scan", "database": "migrations", "probes": "journeys"}
    assert told | {with_another[item] for item in told & with_another.keys()} == set(ITEMS)
