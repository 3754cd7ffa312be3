"""Our workflows, run by act (github.com/nektos/act) on this machine, with programs that remember how they were called.

What act does as GitHub does: `needs`, conditions, outputs, matrices, called workflows, composite actions, summaries.
What it does not enforce, `tests/workflows/test_deliver.py` reads from the files: permissions, concurrency, the guards
of environments, limits of time, filters of branches.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
REMOTE: Final = "https://github.com/harbor-inc/harbor"
_USED: Final = re.compile(r"uses: (?P<action>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})")

# What the pinned actions do, as far as a workflow relies on it. The artifact server of act refuses the newest clients
# (nektos/act#6022), so artifacts are folders.
_ACTIONS: Final[Mapping[str, str]] = {
    "actions/checkout": """
name: checkout
inputs: {ref: {default: ""}, path: {default: "."}, fetch-depth: {default: "1"}, persist-credentials: {default: "true"}}
runs:
  using: composite
  steps:
    - shell: bash
      env: {REF: "${{ inputs.ref || github.sha }}", INTO: "${{ inputs.path }}"}
      run: |
        mkdir -p "$INTO"
        git -C "$INTO" init --quiet
        git -C "$INTO" fetch --quiet "$SCENE/repository" "$REF"
        git -C "$INTO" checkout --quiet --force FETCH_HEAD
""",
    "actions/upload-artifact": """
name: upload
inputs:
  name: {required: true}
  path: {required: true}
  if-no-files-found: {default: warn}
  retention-days: {default: ""}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name }}", FROM: "${{ inputs.path }}", NONE: "${{ inputs.if-no-files-found }}"}
      run: |
        [ -e "$FROM" ] || { [ "$NONE" = error ] && exit 1; exit 0; }
        [ ! -e "$SCENE/artifacts/$NAME" ] || { echo "an artifact of this name exists already"; exit 1; }
        mkdir -p "$SCENE/artifacts/$NAME"
        if [ -d "$FROM" ]; then cp -r "$FROM/." "$SCENE/artifacts/$NAME"; else cp "$FROM" "$SCENE/artifacts/$NAME"; fi
""",
    "actions/download-artifact": """
name: download
inputs:
  name: {default: ""}
  path: {default: "."}
  pattern: {default: ""}
  merge-multiple: {default: "false"}
  run-id: {default: ""}
  github-token: {default: ""}
runs:
  using: composite
  steps:
    - shell: bash
      env: {NAME: "${{ inputs.name || inputs.pattern }}", INTO: "${{ inputs.path }}"}
      run: |
        mkdir -p "$INTO"
        for found in "$SCENE"/artifacts/$NAME; do cp -r "$found/." "$INTO"; done
""",
}
_NOTHING: Final = "name: nothing\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: 'true'\n"
_MAKE: Final = """
mkdir -p .venv/bin
ln -sf "$SCENE/bin/bulkhead" .venv/bin/bulkhead
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to: ``jobs`` by result (a job that was skipped is not there), ``asked`` the calls of programs as
    "job: program arguments", in order."""

    code: int
    jobs: Mapping[str, str]
    asked: Sequence[str]
    said: str

    def calls(self, *words: str) -> list[str]:
        return [call for call in self.asked if all(word in call for word in words)]


class Act:
    """A repository with our workflows, whose programs are ours. ``folder`` must be empty."""

    def __init__(self, folder: Path, executable: str) -> None:
        self.folder = folder
        self._executable = executable
        self._bin = folder / "bin"
        self._bin.mkdir()
        (folder / "home").mkdir()
        self.has("make", _MAKE)
        for program in ("bulkhead", "aws", "gh", "curl"):
            self.has(program)
        self.has("jq", "cat > /dev/null; printf identity-of-the-run")
        self.repository = folder / "repository"
        self._git("init", "--quiet", "--initial-branch", "main", str(self.repository), at=folder)
        tracked = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", ".github"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        for name in tracked:
            if (ROOT / name).is_file():
                (self.repository / name).parent.mkdir(parents=True, exist_ok=True)
                (self.repository / name).write_bytes((ROOT / name).read_bytes())
        self._git("add", ".")
        self._git("commit", "--quiet", "--message", "one")
        self._git("remote", "add", "origin", REMOTE)
        self._git("branch", "develop")

    def has(self, program: str, script: str = "") -> None:
        """Let ``program`` write down how it was called, and run ``script``."""
        file = self._bin / program
        file.write_text(f'#!/bin/bash\necho "$GITHUB_JOB: {program} $*" >> "$SCENE/asked"\n{script}\n')
        file.chmod(0o755)

    def artifact(self, name: str, **files: str) -> None:
        for file, text in files.items():
            path = self.folder / "artifacts" / name / file.replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, branch: str) -> str:
        words = ["git", "rev-parse", branch]
        return subprocess.run(words, cwd=self.repository, check=True, capture_output=True, text=True).stdout.strip()

    def run(self, workflow: str, event: str, payload: Mapping[str, Any], branch: str = "main", **inputs: str) -> Ran:
        """Run a workflow for an event on ``branch``."""
        self._git("checkout", "--quiet", branch)
        whole = {"repository": {"full_name": "harbor-inc/harbor", "visibility": "private"}, **payload}
        whole |= {"inputs": inputs} if inputs else {}
        (self.folder / "event.json").write_text(json.dumps(whole))
        (self.folder / "asked").unlink(missing_ok=True)
        command = [
            self._executable,
            event,
            *("--workflows", f".github/workflows/{workflow}.yml"),
            *("--eventpath", str(self.folder / "event.json")),
            *("--platform", "ubuntu-24.04=-self-hosted"),
            *("--action-offline-mode", "--no-skip-checkout", "--no-cache-server", "--json"),
            *("--artifact-server-addr", "127.0.0.1"),
            *("--env", f"SCENE={self.folder}"),
            *("--env", "ACTIONS_ID_TOKEN_REQUEST_URL=https://127.0.0.1/token?a=b"),
            *("--env", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=a-token-of-a-test"),
            *("--secret", "GITHUB_TOKEN=a-token-of-a-test"),
            *self._variables(),
            *self._replaced(),
        ]
        done = subprocess.run(
            command,
            cwd=self.repository,
            env={"PATH": f"{self._bin}:{os.environ['PATH']}", "HOME": str(self.folder / "home")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        asked = self.folder / "asked"
        return Ran(
            done.returncode,
            dict(_results(done.stdout)),
            asked.read_text().splitlines() if asked.exists() else [],
            done.stdout + done.stderr,
        )

    def _variables(self) -> list[str]:
        said = {
            "AWS_ACCOUNT_ID": "444455556666",
            "AWS_REGION": "ap-northeast-1",
            "AWS_ROLE_ARN": "arn:aws:iam::444455556666:role/x",
        }
        return [word for name, value in said.items() for word in ("--var", f"{name}={value}")]

    def _replaced(self) -> list[str]:
        """Return the words that put our stand-ins in the place of every pinned action."""
        used = {
            (match["action"], match["commit"])
            for path in sorted((self.repository / ".github").rglob("*.yml"))
            for match in _USED.finditer(path.read_text(encoding="utf-8"))
        }
        words = list[str]()
        for action, commit in sorted(used):
            place = self.folder / "actions" / action
            if not place.exists():
                place.mkdir(parents=True)
                (place / "action.yml").write_text(_ACTIONS.get(action, _NOTHING))
            words += ["--local-repository", f"{action}@{commit}={place}"]
        return words

    def _git(self, *words: str, at: Path | None = None) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        subprocess.run(["git", *who, *words], cwd=at or self.repository, check=True, capture_output=True)


def _results(output: str) -> list[tuple[str, str]]:
    found = list[tuple[str, str]]()
    for line in output.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "jobResult" in said:
            found.append((str(said["job"]).strip(), str(said["jobResult"])))
    return found
