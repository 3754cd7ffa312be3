from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import LocalWorkspaceOptions, ProjectBackend, ProjectSettings, Stack, create_or_select_stack

from rehearsal.providers.handler import Caller
from rehearsal.providers.registry import Registry
from rehearsal.providers.resources import Resources
from rehearsal.providers.server import ProviderServer, ProviderServicer
from rehearsal.providers.store import Store

ACCOUNT = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.sqlite")
    yield store
    store.close()


@pytest.fixture
def resources(store: Store) -> Resources:
    return Resources(Registry(), store)


@pytest.fixture
def caller() -> Caller:
    return Caller("staging", "cloudflare", {"apiToken": "made-up"})


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A Worker's code."""
    path = tmp_path / "index.js"
    path.write_text("export default {}")
    return path


@dataclass
class Cloud:
    """A provider server, and the real engine beside it."""

    server: ProviderServer
    store: Store
    root: Path
    engine: Path
    said: list[str] = field(default_factory=list)

    def stack(self, name: str, program: Callable[[], None]) -> Stack:
        work_dir = self.root / "work" / name
        work_dir.mkdir(parents=True, exist_ok=True)
        state = self.root / "state"
        state.mkdir(exist_ok=True)
        return create_or_select_stack(
            name,
            project_name="harbor",
            program=program,
            work_dir=str(work_dir),
            opts=LocalWorkspaceOptions(
                project_settings=ProjectSettings("harbor", "python", backend=ProjectBackend(f"file://{state}")),
                env_vars={
                    "PULUMI_HOME": str(self.root / "home"),
                    "PULUMI_CONFIG_PASSPHRASE": "made-up",
                    "PULUMI_DEBUG_PROVIDERS": self.server.debug_providers,
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                    "PULUMI_SKIP_UPDATE_CHECK": "1",
                },
            ),
        )

    def run(self, stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the engine's that the Automation API has not."""
        workspace = stack.workspace
        return subprocess.run(
            [str(self.engine), "--non-interactive", *arguments, "--stack", stack.name],
            cwd=workspace.work_dir,
            env={**os.environ, **workspace.env_vars},
            text=True,
            capture_output=True,
            check=False,
        )

    def state(self, stack: str) -> str:
        """Return the stack's state as it lies in the backend."""
        return (self.root / "state" / ".pulumi" / "stacks" / "harbor" / f"{stack}.json").read_text()

    def outputs(self, type_: str, environment: str | None = None) -> list[dict[str, Any]]:
        """Return what the cloud has of a type, without what was left behind."""
        records = self.store.all(type_=type_, environment=environment)
        return [dict(record.outputs) for record in records if not record.left_behind]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real engine, first on PATH, and an environment that holds nobody's credentials."""
    pinned = Path.home() / ".cache" / "bulkhead" / "engine" / "3.250.0" / "pulumi"
    found = shutil.which("pulumi", path=f"{pinned.parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.fail("there is no pulumi on PATH and none in the cache; `make engine` gets one")
    monkeypatch.setenv("PATH", f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}")
    for name in [name for name in os.environ if name.startswith(("CLOUDFLARE_", "GITHUB_", "AWS_", "PULUMI_"))]:
        monkeypatch.delenv(name)
    return Path(found)


@pytest.fixture
def cloud(tmp_path: Path, store: Store, engine: Path) -> Iterator[Cloud]:
    server = ProviderServer(ProviderServicer(Resources(Registry(), store)))
    yield Cloud(server, store, tmp_path, engine)
    server.stop()
