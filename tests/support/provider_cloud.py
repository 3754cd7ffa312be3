"""A provider server and the real engine, driven through the Automation API with nothing of the product around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi.automation import LocalWorkspaceOptions, ProjectBackend, ProjectSettings, Stack, create_or_select_stack

from bulkhead.engine.environment import attached, backend_url
from bulkhead.localclouds.providers.server import ProviderServer
from bulkhead.localclouds.providers.store import Record, Store

STAGES = ("development", "staging", "production")


def token_of(environment: str) -> str:
    """Return the token that opens an environment's part of the clouds."""
    return f"canary-of-a-token-{environment}"


@dataclass
class Cloud:
    """A provider server, and the real engine beside it."""

    server: ProviderServer
    store: Store
    root: Path

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
                project_settings=ProjectSettings("harbor", "python", backend=ProjectBackend(backend_url(state))),
                env_vars={
                    "PULUMI_HOME": str(self.root / "home"),
                    "PULUMI_CONFIG_PASSPHRASE": "made-up",
                    **attached(self.server.ports),
                    "PULUMI_SKIP_UPDATE_CHECK": "1",
                },
            ),
        )

    def state(self, stack: str) -> str:
        """Return the stack's state as it lies in the backend."""
        return (self.root / "state" / ".pulumi" / "stacks" / "harbor" / f"{stack}.json").read_text()

    def made(self) -> list[Record]:
        """Return what the stacks have made, and not what the local GitHub keeps beside it."""
        return [record for record in self.store.all() if record.environment]

    def outputs(self, type_: str, environment: str | None = None) -> list[dict[str, Any]]:
        """Return what the cloud has of a type."""
        return [dict(record.outputs) for record in self.store.all(type_=type_, environment=environment)]
