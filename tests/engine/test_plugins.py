from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.engine.plugins import find_plugins, sdk_version
from bulkhead.model.faults import Refused


def put_plugin(folder: Path, package: str, answer: str) -> Path:
    """Put a program into ``folder`` that answers with its version as a plugin does."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / f"pulumi-resource-{package}"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {answer}\n', encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pulumi's home of a user who has no plugin."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_a_plugin_on_path_comes_before_the_one_that_pulumi_keeps(home: Path) -> None:
    kept = home / "home" / "plugins" / f"resource-cloudflare-v{sdk_version('cloudflare')}"
    path = put_plugin(kept, "cloudflare", "v6.1.0")
    assert [(found.path, str(found)) for found in find_plugins(["cloudflare"])] == [(path, "cloudflare 6.1.0")]
    path = put_plugin(home / "bin", "cloudflare", "6.2.0")
    assert [(found.path, str(found)) for found in find_plugins(["cloudflare"])] == [(path, "cloudflare 6.2.0")]


def test_another_version_that_pulumi_keeps_is_not_taken(home: Path) -> None:
    put_plugin(home / "home" / "plugins" / "resource-github-v0.0.1", "github", "0.0.1")
    with pytest.raises(Refused):
        find_plugins(["github"])


def test_all_that_are_missing_are_named_with_what_installs_them(home: Path) -> None:
    put_plugin(home / "bin", "cloudflare", "nothing that is a version")
    with pytest.raises(Refused) as refused:
        find_plugins(["cloudflare", "github"])
    assert [fault.fix for fault in refused.value.faults] == [
        f"pulumi plugin install resource {package} v{sdk_version(package)}" for package in ("cloudflare", "github")
    ]
