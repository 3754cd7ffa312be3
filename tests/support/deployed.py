"""A stack that the real CLI has brought up on local providers, in a checkout of its own, with canaries for secrets."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulkhead.engine.finder import find_engine
from bulkhead.engine.workspace import Cipher, engine_environment, prepare
from bulkhead.machine import rundir
from tests.support.language_host import language_host


@dataclass(frozen=True)
class Deployed:
    """``environment`` is all that the CLI is given there."""

    stack: str
    checkout: Path
    environment: Mapping[str, str]
    canaries: Mapping[str, str]

    def pulumi(self, *arguments: str) -> str:
        """Run the CLI in the checkout and return what it wrote."""
        done = self._run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def previews(self, work: Path, environment: Mapping[str, str]) -> Previewed:
        """Preview in ``work``, with ``environment`` laid over the checkout's."""
        done = self._run("preview", "--cwd", str(work), "--json", "--stack", self.stack, **environment)
        digest = json.loads(done.stdout)
        changes: dict[str, list[str]] = {}
        for step in digest["steps"]:
            if step["op"] != "same":
                changes.setdefault(step["op"], []).append(step["urn"].rpartition("::")[2])
        said = [each["message"] for each in digest.get("diagnostics", ()) if each["severity"] == "error"]
        return Previewed(digest.get("changeSummary", {}), changes, said)

    def _run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.checkout,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@dataclass(frozen=True)
class Previewed:
    """What a preview counts by operation, the names of what it would change, and why it stopped."""

    counts: dict[str, int]
    changes: dict[str, list[str]]
    errors: list[str]


@contextmanager
def deployed(
    folder: Path,
    source: Path,
    stack: str,
    secrets: Iterable[str],
    program: Callable[[], None],
    ports: Mapping[str, int],
    chosen: Mapping[str, Any] | None = None,
) -> Iterator[Deployed]:
    """Bring ``program`` up with the settings of ``stack`` in ``source``, ``chosen`` ones laid over them; ``ports`` are
    those of the providers."""
    run = rundir.kept(folder)
    files = prepare(source, run, stack, secrets, Cipher(run.passphrase), chosen or {})
    with language_host(program) as host:
        environment = engine_environment(run, providers=ports, tools=[find_engine().path.parent]) | host
        it = Deployed(stack, files.path, environment, files.canaries)
        it.pulumi("stack", "init", stack)
        it.pulumi("up", "--yes", "--skip-preview", "--stack", stack)
        yield it
    run.close()


def written_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file below ``folder`` with its content; what a link leads to is elsewhere."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            yield path, path.read_bytes()


def settings_of(deployed: Deployed) -> dict[str, Any]:
    """Return the settings file of the checkout, to be changed and written back."""
    settings: dict[str, Any] = json.loads((deployed.checkout / f"Pulumi.{deployed.stack}.yaml").read_text())
    return settings
