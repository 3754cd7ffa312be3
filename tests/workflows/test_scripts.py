"""The few lines of shell in the workflow for pull requests, run as GitHub runs them, with programs that remember."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOW: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (ROOT / ".github" / "workflows" / "pull-request.yml").read_text(encoding="utf-8")
)
TOKEN = "a-token-that-nobody-may-see"


class Runner:
    """A folder in which a step runs; ``has`` puts a program on PATH that writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()

    def has(self, program: str, script: str = "", place: Path | None = None) -> None:
        file = (place or self.bin) / program
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'#!/bin/bash\necho "{program} $*" >> {self.folder}/asked\n{script}\n')
        file.chmod(0o755)

    def runs(self, job: str, name: str, environment: Mapping[str, str]) -> tuple[int, str]:
        """Run a step with ``environment`` in the place of its own, which only GitHub can fill in."""
        [step] = [step for step in WORKFLOW["jobs"][job]["steps"] if step.get("name") == name]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env={"PATH": f"{self.bin}:{os.defpath}", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def read(self, name: str) -> str:
        file = self.folder / name
        return file.read_text(encoding="utf-8") if file.exists() else ""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


# --- verdict


COMMIT = "a5c3785ed8d6a35868bc169f07e40e889087fd2e"
ABOVE = f"<!-- bulkhead preview -->\nPreview of commit {COMMIT}.\n\n"


def judged(runner: Runner, plan: str, says: str = 'echo "part of $2"') -> tuple[int, str]:
    runner.has("bulkhead", says, runner.folder / ".venv" / "bin")
    files = {"GITHUB_STEP_SUMMARY": "summary", "GITHUB_OUTPUT": "output"}
    return runner.runs("verdict", "Judge what the engine said", {"PLAN": plan, "COMMIT": COMMIT, **files})


def test_a_verdict_passes_when_every_stage_does(runner: Runner) -> None:
    code, said = judged(runner, "success")
    assert code == 0, said
    assert runner.read("comment.md") == f"{ABOVE}part of development\npart of staging\npart of production\n"
    assert runner.read("summary") == runner.read("comment.md")
    assert runner.read("output") == "told=yes\n"
    asked = "bulkhead preview staging --from events/staging.jsonl --on-twin --base HEAD --markdown"
    assert asked in runner.read("asked").splitlines()


@pytest.mark.parametrize("stage", ["development", "staging", "production"])
def test_one_stage_stops_it_and_all_are_told(runner: Runner, stage: str) -> None:
    code, _ = judged(runner, "success", f'echo "part of $2"; [ "$2" != {stage} ]')
    assert code == 1
    assert runner.read("comment.md").count("part of") == 3
    assert runner.read("output") == "told=yes\n"


@pytest.mark.parametrize("end", ["exit 70", "exit 0", "exit 1", "kill -9 $$"])
@pytest.mark.parametrize("stage", ["development", "production"])
def test_a_stage_that_nobody_could_judge_stops_it_and_the_comment_says_so(runner: Runner, stage: str, end: str) -> None:
    code, _ = judged(runner, "success", f'[ "$2" != {stage} ] || {end}\necho "part of $2"')
    assert code == 1
    comment = runner.read("comment.md")
    assert comment.startswith(ABOVE)
    assert comment.count("part of") == 2
    assert f"### {stage}: stopped, because nobody could judge it." in comment
    assert runner.read("output") == "told=yes\n"


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped", ""])
def test_a_preview_that_did_not_end_well_stops_it_whatever_its_events_say(runner: Runner, result: str) -> None:
    code, said = judged(runner, result)
    assert code == 1
    [error] = obeyed(said)
    assert error.startswith("::error::Nothing in the events stops it")
    assert runner.read("output") == "told=yes\n"


def obeyed(said: str) -> list[str]:
    """Return the lines that a runner takes for commands: none between `::stop-commands::word` and `::word::`."""
    lines, word = [], ""
    for line in said.splitlines():
        if word:
            word = "" if line.strip() == f"::{word}::" else word
        elif line.startswith("::stop-commands::"):
            word = line.removeprefix("::stop-commands::")
            assert len(word) >= 32, "somebody could guess it"
        else:
            lines += [line] if line.lstrip().startswith("::") else []
    return lines


COMMANDS = 'echo "::add-mask::yes" >&2; echo "::stop-commands::x" >&2; echo "::x::" >&2; echo "part of $2"'


def test_what_a_pull_request_says_is_no_command_to_the_runner_that_judges(runner: Runner) -> None:
    code, said = judged(runner, "success", COMMANDS)
    assert code == 0
    assert "::add-mask::yes" in said
    assert obeyed(said) == []


def test_what_a_pull_request_says_is_no_command_to_the_runner_that_previews(runner: Runner) -> None:
    runner.has("bulkhead", COMMANDS, runner.folder / "base" / ".venv" / "bin")
    code, said = runner.runs("plan", "Preview it", {"STAGE": "staging"})
    assert code == 0
    assert "::add-mask::yes" in said
    assert obeyed(said) == []
    wanted = "bulkhead preview staging --twin twin --checkout head --base HEAD --events staging.jsonl\n"
    assert runner.read("asked") == wanted


# --- twin

ASKS = {
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://github.invalid/token?a=b",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
    "AWS_ROLE_ARN": "arn:aws:iam::444455556666:role/harbor-staging-role-preview",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "identity",
    "STAGE": "staging",
    "ACCOUNT": "444455556666",
    "BUCKET": "harbor-staging-state-444455556666",
    "KEY": "twins/bulkhead/staging.json",
}
FETCH = "Fetch the twin of the stage's state"


def with_clouds(runner: Runner, aws: str = 'echo "{}" > "${@: -1}"') -> None:
    runner.has("curl", 'cat > heard; echo "{}"')
    runner.has("jq", "cat > /dev/null; printf identity-of-the-run")
    runner.has("aws", aws)


def test_a_twin_is_fetched_where_a_folder_has_it_and_no_token_is_an_argument(runner: Runner) -> None:
    with_clouds(runner)
    code, said = runner.runs("twin", FETCH, ASKS)
    assert code == 0, said
    assert runner.read("twin/twins/bulkhead/staging.json") == "{}\n"
    assert runner.read("identity") == "identity-of-the-run"
    assert runner.read("heard") == f"Authorization: bearer {TOKEN}\n"
    assert TOKEN not in runner.read("asked") + said
    assert "--expected-bucket-owner 444455556666" in runner.read("asked")


def test_a_stage_without_identities_says_how_to_bring_them_up(runner: Runner) -> None:
    with_clouds(runner)
    code, said = runner.runs("twin", FETCH, {**ASKS, "AWS_ROLE_ARN": ""})
    assert code == 1
    assert "pulumi up -C identities -s staging" in said
    assert runner.read("asked") == ""


def test_a_stage_without_a_twin_says_how_one_is_published(runner: Runner) -> None:
    with_clouds(runner, aws="echo AccessDenied >&2; exit 254")
    code, said = runner.runs("twin", FETCH, ASKS)
    assert code == 1
    assert "bulkhead twin publish staging --to s3://harbor-staging-state-444455556666" in said


# --- comment


@pytest.mark.parametrize(
    ("there", "posts"),
    [
        ("", "--method POST repos/harbor-inc/harbor/issues/7/comments"),
        ("101", "--method PATCH repos/harbor-inc/harbor/issues/comments/101"),
        ("101\\n202", "--method PATCH repos/harbor-inc/harbor/issues/comments/101"),
    ],
)
def test_a_pull_request_has_one_comment(runner: Runner, there: str, posts: str) -> None:
    lists = f"printf '{there}\\n'" if there else ":"
    runner.has("gh", f'[ "$2" != --paginate ] || {lists}')
    said = {"GITHUB_REPOSITORY": "harbor-inc/harbor", "PULL_REQUEST": "7", "OURS": ".ours"}
    code, told = runner.runs("comment", "Post it", said)
    assert code == 0, told
    assert runner.read("asked").splitlines() == [
        "gh api --paginate repos/harbor-inc/harbor/issues/7/comments --jq .[] | select(.ours) | .id",
        f"gh api --silent {posts} --field body=@comment.md",
    ]
