"""The linters of `make check` find what they are there to find. Each runs as the Makefile runs it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRETLINT = ROOT / "tools" / "secretlint"
GOOD = """name: good
on: pull_request
permissions:
  contents: read
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - run: make test
"""
COMMIT = "3d3c42e5aac5ba805825da76410c181273ba90b1"
LETTERS = "aB3dE5gH7jK9mN1pQ4sT6vW8yZ0cF2xR5uL3"
# Made up, and joined only here: whole, they would be found in this very file.
SECRETS = {
    "AWS key": "key = " + "AKIA" + "ABCDEFGH234567YZ",
    "AWS secret": "aws_secret_access_key = " + LETTERS + "a1B2",
    "GitHub token": "token: " + "ghp_" + LETTERS,
    "fine-grained GitHub token": "github_pat_" + LETTERS[:22] + "_" + (LETTERS * 2)[:59],
    "Cloudflare user token": "cfut_" + LETTERS + "abcd0123abcd",
    "Cloudflare account token": "cfat_" + LETTERS + "abcd0123abcd",
    "Cloudflare token of the old form": "CLOUDFLARE_API_TOKEN=" + LETTERS + "a1B2",
    "Pulumi token": "pul-" + "0123456789" * 4,
    "private key": "-----BEGIN " + "PRIVATE KEY-----",
    "Slack webhook": "https://hooks.slack.com/" + "services/T0ABCDEFG/B0ABCDEFG/" + LETTERS[:24],
}
HARMLESS = """
accountId: "a27c94e1b8d04f63952b0e7d1c6f8a34"
roleArn: arn:aws:iam::444455556666:role/bulkhead-staging
sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
token: ${{ secrets.GITHUB_TOKEN }}
secure: v1:wk5bhdrmdKX+x27x:ESWDYsbqnVTZHUqc1/NgUbeC5obSYgFLjHUVSf1XDAmpDs2sO8XKfgXqM7ug
"""


def recipe(target: str, files: str) -> list[str]:
    """Return the commands of a target of the Makefile that check, with ``files`` in the place of the repository's."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    match = re.search(rf"^{target}:.*\n((?:\t.+\n)+)", makefile, re.MULTILINE)
    assert match is not None, target
    lines = [line.removeprefix("\t@") for line in match[1].splitlines()]
    swapped = [
        line.replace("$(BIN)", ".venv/bin")
        .replace("$(CURDIR)/.github/workflows/*.yml", f"{files}/.github/workflows/*.yml")
        .replace("--no-progress .github", f"--no-progress {files}/.github")
        .replace("git grep --no-index --exclude-standard -Izl ''", f"find {files} -type f -print0")
        .replace("$$", "$")
        for line in lines
    ]
    assert swapped != lines, f"the recipe of {target} is not the one that these tests know"
    return swapped


def checked(target: str, files: Path) -> tuple[int, str]:
    script = "set -euo pipefail\n" + "\n".join(recipe(target, str(files)))
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def workflow(folder: Path, text: str) -> Path:
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "it.yml").write_text(text)
    return folder


@pytest.mark.slow
def test_a_sound_workflow_passes(tmp_path: Path) -> None:
    code, said = checked("workflows", workflow(tmp_path, GOOD))
    assert code == 0, said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("- run: make test", "- uses: actions/checkout@v4", "unpinned-uses"),
        ("on: pull_request", "on: pull_request_target", "dangerous-triggers"),
        ("- run: make test", f"- uses: actions/checkout@{COMMIT} # v7.0.1", "artipacked"),
        ("make test", "echo ${{ github.event.pull_request.title }}", "untrusted"),
        ("make test", "echo ${{ github.evnt.x }}", "evnt"),
        ("    runs-on", "    needs: [nobody]\n    runs-on", "nobody"),
        ("on: pull_request", "on: pull_requests", "pull_requests"),
        ("ubuntu-24.04", "ubuntu-99.04", "ubuntu-99.04"),
    ],
)
def test_a_workflow_with_a_fault_does_not(tmp_path: Path, old: str, new: str, found: str) -> None:
    assert old in GOOD
    code, said = checked("workflows", workflow(tmp_path, GOOD.replace(old, new)))
    assert code != 0
    assert found in said


@pytest.mark.slow
def test_every_planted_secret_is_found_and_none_is_shown(tmp_path: Path) -> None:
    for number, secret in enumerate(SECRETS.values()):
        (tmp_path / f"{number}.txt").write_text(f"{secret}\n")
    code, said = checked("secrets", tmp_path)
    assert code != 0
    assert {name for number, name in enumerate(SECRETS) if f"{tmp_path}/{number}.txt" not in said} == set()
    assert [name for name, secret in SECRETS.items() if secret.split()[-1] in said] == []
    assert "fix: take it out and revoke it" in said


@pytest.mark.slow
def test_what_only_looks_like_a_secret_passes(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(HARMLESS)
    code, said = checked("secrets", tmp_path)
    assert code == 0, said
