from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.engine import versions
from bulkhead.engine.plugins import find_plugins, install_plugins, sdk_version
from bulkhead.model.faults import Refused
from tests.support.plugins import put_plugin


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


def test_a_plugin_of_another_major_version_is_passed_over_and_named(home: Path) -> None:
    other = put_plugin(home / "bin", "cloudflare", "5.49.0")
    with pytest.raises(Refused) as refused:
        find_plugins(["cloudflare"])
    (fault,) = refused.value.faults
    assert fault.message == f"{other} is version 5.49.0, and the program's SDK is {sdk_version('cloudflare')}"
    kept = home / "home" / "plugins" / f"resource-cloudflare-v{sdk_version('cloudflare')}"
    path = put_plugin(kept, "cloudflare", sdk_version("cloudflare"))
    assert [found.path for found in find_plugins(["cloudflare"])] == [path]


def test_a_plugin_that_never_answers_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_PATIENCE", 0.2)
    silent = put_plugin(home / "bin", "github", "6.0.0")
    silent.write_text("#!/bin/sh\nread nothing < /dev/zero\n", encoding="utf-8")
    with pytest.raises(Refused, match=f"{silent} does not answer --version"):
        find_plugins(["github"])


def test_the_engine_finds_a_linked_plugin_by_its_name_and_nothing_beside_it(home: Path) -> None:
    real = put_plugin(home / "opt", "cloudflare", "6.2.0").rename(home / "opt" / "cloudflare-plugin")
    (home / "bin").mkdir()
    (home / "bin" / "pulumi-resource-cloudflare").symlink_to(real)
    put_plugin(home / "bin", "aws", "7.0.0")
    tools = home / "tools"
    tools.mkdir()
    for _ in range(2):  # a kept rehearsal has them already
        install_plugins(find_plugins(["cloudflare"]), tools)
    assert [path.name for path in tools.iterdir()] == ["pulumi-resource-cloudflare"]
    assert (tools / "pulumi-resource-cloudflare").resolve() == real
