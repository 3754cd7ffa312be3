"""A `pulumi` on PATH that answers what a test wants, and remembers what it was asked."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_SCRIPT = """#!/bin/sh
cd {folder} || exit 70
printf '%s\\n' "$*" >> asked
env >> environment
shift 3  # --non-interactive --color never
[ ! -f "fails-$1" ] || {{ cat "fails-$1" >&2; exit 255; }}
case "$1" in
stack) [ "$2 $3" != "import --stack" ] || cat > state.json; cat state.json ;;
refresh) echo refreshed ;;
cancel) ;;
up) . ./up.sh ;;
config) cat secret ;;
destroy) . ./destroy.sh ;;
preview)
    for word; do [ "$last" != --save-plan ] || cp plan.json "$word" || exit 70; last=$word; done
    cat digest.json; [ -f fine ] ;;
import) echo "imported" ;;
*) echo "what is $1?" >&2; exit 64 ;;
esac
"""


class FakePulumi:
    """An executable in ``folder``/bin; its state is empty, it knows one secret, its `up` changes nothing, and
    its `destroy` empties the state."""

    def __init__(self, folder: Path, secret: str = "the-secret-itself") -> None:  # noqa: S107 - made up
        self.folder = folder
        self.bin = folder / "bin"
        self.secret = secret
        self.bin.mkdir(parents=True)
        cli = self.bin / "pulumi"
        cli.write_text(_SCRIPT.format(folder=shlex.quote(str(folder))))
        cli.chmod(0o755)
        (self.bin / "pulumi-language-python").touch()
        (folder / "secret").write_text(f"{secret}\n")
        (folder / "digest.json").touch()
        (folder / "empty.json").write_text(json.dumps({"deployment": None}))
        self.holds([])
        self.destroys("echo ' - destroying'; cp empty.json state.json")
        self.brings_up("echo '    nothing changed'")

    def holds(self, resources: Iterable[Mapping[str, Any]], begun: Iterable[Mapping[str, Any]] = ()) -> None:
        """Say what its state holds."""
        deployment = {"resources": list(resources), "pending_operations": list(begun)}
        (self.folder / "state.json").write_text(json.dumps({"version": 3, "deployment": deployment}))

    def destroys(self, script: str) -> None:
        """Say, in shell, what its `destroy` does."""
        (self.folder / "destroy.sh").write_text(f"{script}\n")

    def brings_up(self, script: str) -> None:
        """Say, in shell, what its `up` does."""
        (self.folder / "up.sh").write_text(f"{script}\n")

    def previews(self, digest: str, *, fine: bool) -> None:
        """Say what its `preview --json` writes, and whether it succeeds."""
        (self.folder / "digest.json").write_text(digest)
        if fine:
            (self.folder / "fine").touch()

    def plans(self, plan: Mapping[str, Any]) -> None:
        """Say what its `preview --save-plan` writes; that preview succeeds."""
        (self.folder / "plan.json").write_text(json.dumps(plan))
        self.previews("", fine=True)

    def fails(self, command: str, complaint: str) -> None:
        """Let every call of one command fail."""
        (self.folder / f"fails-{command}").write_text(complaint)

    @property
    def asked(self) -> list[str]:
        """The arguments of each call so far."""
        file = self.folder / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its calls; the last one wins."""
        lines = (self.folder / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)
