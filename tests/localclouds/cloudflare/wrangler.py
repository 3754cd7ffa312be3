"""Cloudflare's own command against a local Cloudflare: a client of its API that nobody here wrote."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.machine.node import find_node
from bulkhead.model.project import ROOT

_PACKAGE: Final = ROOT / "tools" / "wrangler"
_COMMAND: Final = _PACKAGE / "node_modules" / "wrangler" / "bin" / "wrangler.js"
_LOOPBACK_ONLY: Final = Path(__file__).with_name("loopback_only.cjs")
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")  # what it calls errors and warnings has colours, whatever it is told
_PATIENCE: Final = 120  # seconds for one command, on a machine that does something else as well
# It must neither ask a person nor tell anybody about itself. Without a terminal it takes "yes" for an answer.
_ALONE: Final = {
    "CI": "1",
    "WRANGLER_HIDE_BANNER": "true",
    "WRANGLER_SEND_ERROR_REPORTS": "false",
    "WRANGLER_SEND_METRICS": "false",
}


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What a command with ``--json`` wrote."""
        return json.loads(self.out)


class Wrangler:
    """Runs wrangler in a project of its own below ``folder``, as somebody who has ``token``. ``api`` is the address of
    the cloud with /client/v4, as in CLOUDFLARE_API_BASE_URL."""

    def __init__(self, folder: Path, api: str, account: str, token: str) -> None:
        if not _COMMAND.exists():
            raise RuntimeError("wrangler is not installed. fix: make tools/wrangler/node_modules/.installed")
        self.project = folder / "project"
        self._home = folder / "home"
        self._elsewhere = folder / "asked-elsewhere"
        for each in (self.project, self._home):
            each.mkdir(parents=True)
        self._environment = {
            **_ALONE,
            "ASKED_ELSEWHERE": str(self._elsewhere),
            "CLOUDFLARE_ACCOUNT_ID": account,
            "CLOUDFLARE_API_BASE_URL": api,
            "CLOUDFLARE_API_TOKEN": token,
            "HOME": str(self._home),
            "NODE_OPTIONS": f'--require "{_LOOPBACK_ONLY}"',
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self._home),
            "XDG_CONFIG_HOME": str(self._home),
        }
        self._leave_nothing_to_look_up()

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def configure(self, name: str, **settings: Any) -> None:
        """Write wrangler.jsonc for a Worker of this name."""
        self.write("wrangler.jsonc", json.dumps({"name": name, "compatibility_date": "2026-07-01", **settings}))

    def run(self, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None) -> Said:
        """Run a command, however it ends. Raises AssertionError when it wanted to reach another machine."""
        done = subprocess.run(
            [str(find_node().path), str(_COMMAND), *arguments],
            cwd=self.project,
            env=self._environment | dict(environment or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        if self._elsewhere.exists():
            hosts = sorted(set(self._elsewhere.read_text(encoding="utf-8").split()))
            raise AssertionError(f"wrangler {' '.join(arguments)} asked {', '.join(hosts)}")
        return Said(done.returncode, _COLOUR.sub("", done.stdout), _COLOUR.sub("", done.stderr))

    def done(self, *arguments: str, stdin: str = "") -> Said:
        """Run a command that must succeed."""
        said = self.run(*arguments, stdin=stdin)
        assert said.code == 0, f"wrangler {' '.join(arguments)} ended with {said.code}:\n{said.out}{said.err}"
        return said

    def _leave_nothing_to_look_up(self) -> None:
        """Let wrangler know that it is the newest: after an error that it does not expect, it asks the registry,
        unless it did so within the last hour."""
        version = json.loads((_PACKAGE / "package.json").read_text(encoding="utf-8"))["devDependencies"]["wrangler"]
        seen = {"latest": version, "lastUpdate": int(time.time() * 1000)}
        known = self._home / "update-check" / "wrangler-latest.json"
        known.parent.mkdir()
        known.write_text(json.dumps(seen), encoding="utf-8")
