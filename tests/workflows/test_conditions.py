"""Which jobs GitHub would run, for every event and every result before them: by its own parser and evaluator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "expressions"
FOLDER = ROOT / ".github" / "workflows"
RESULTS = ("success", "failure", "cancelled")
STAGES = ("development", "staging", "production")
PARTS = ("deploy", "second", "third", "fourth")
pytestmark = pytest.mark.slow

Case = dict[str, Any]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluator as one file: GitHub's packages import what plain Node does not find."""
    file = tmp_path_factory.mktemp("expressions") / "run.cjs"
    bundle = ["node_modules/.bin/esbuild", "run.mjs", "--bundle", "--platform=node", "--format=cjs"]
    subprocess.run([*bundle, "--log-level=warning", f"--outfile={file}"], cwd=TOOL, check=True)
    return file


def told(script: Path, cases: Sequence[Case]) -> list[dict[str, Any]]:
    asked = [{"workflow": (FOLDER / each["file"]).read_text(encoding="utf-8"), **each} for each in cases]
    done = subprocess.run(["node", str(script)], input=json.dumps(asked), check=True, capture_output=True, text=True)
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(answers) == len(cases)
    return answers


def ran(script: Path, cases: Sequence[Case]) -> list[Mapping[str, str]]:
    """Return the result of each job by case; ``skipped`` is one that did not run."""
    answers = told(script, cases)
    assert [answer["errors"] for answer in answers if "errors" in answer] == []
    return [answer["ran"] for answer in answers]


def runs(jobs: Mapping[str, str]) -> set[str]:
    return {job for job, result in jobs.items() if result != "skipped"}


def test_github_understands_every_workflow(script: Path) -> None:
    context: dict[str, Any] = {"github": {"event": {}}, "inputs": {}, "vars": {}}
    names = sorted(path.name for path in FOLDER.glob("*.yml"))
    assert names
    ran(script, [{"file": name, "contexts": context} for name in names])


@pytest.mark.parametrize(
    ("old", "new"),
    [("timeout-minutes", "timeout-minuts"), ("runs-on", "run-on"), ("permissions: {}", "permission: {}")],
)
def test_a_word_that_github_does_not_know_is_found(script: Path, old: str, new: str) -> None:
    text = (FOLDER / "leg.yml").read_text(encoding="utf-8").replace(old, new)
    [answer] = told(script, [{"file": "leg.yml", "workflow": text, "contexts": {"github": {}, "inputs": {}}}])
    assert new.partition(":")[0] in str(answer["errors"])


# --- deploy


def test_nothing_is_delivered_unless_every_check_passed_and_there_is_a_stage(script: Path) -> None:
    rows = list(product(RESULTS, RESULTS, RESULTS, ("", *STAGES)))
    cases = [
        {
            "file": "deploy.yml",
            "contexts": {"github": {"event": {}}, "inputs": {}},
            "results": {
                "checks": {"result": checks},
                "audit": {"result": audit},
                "stage": {"result": asked, "outputs": {"stage": stage}},
            },
        }
        for checks, audit, asked, stage in rows
    ]
    for (*results, stage), jobs in zip(rows, ran(script, cases), strict=True):
        assert ("deliver" in runs(jobs)) is (set(results) == {"success"} and stage != ""), (results, stage)


# --- deliver


def delivering(stage: str, results: Mapping[str, Any], visibility: str = "private", *, cancelled: bool = False) -> Case:
    github = {"event": {"repository": {"visibility": visibility}}}
    contexts = {"github": github, "inputs": {"stage": stage}}
    return {"file": "deliver.yml", "contexts": contexts, "results": results, "cancelled": cancelled}


def test_a_stage_is_deployed_when_it_was_built_and_production_when_it_was_validated_as_well(script: Path) -> None:
    rows = list(product(STAGES, RESULTS, RESULTS, ("public", "private"), RESULTS))
    cases = [
        delivering(
            stage, {"build": {"result": build}, "validated": {"result": known}, "attest": {"result": signed}}, seen
        )
        for stage, build, known, seen, signed in rows
    ]
    for (stage, build, known, seen, signed), jobs in zip(rows, ran(script, cases), strict=True):
        good = build == "success" and (stage != "production" or known == "success")
        assert ("deploy" in runs(jobs)) is good, (stage, build, known, signed)
        assert ("ended" in runs(jobs)) is good
        assert ("validated" in runs(jobs)) is (stage == "production" and build == "success")
        assert ("attest" in runs(jobs)) is (seen == "public" and build == "success")


ENDS = [
    ("success", "done"),
    ("success", "more"),
    ("failure", "stopped"),
    ("failure", "person"),
    ("failure", ""),
    ("cancelled", ""),
]


@pytest.mark.parametrize("stage", STAGES)
def test_the_next_part_runs_only_where_the_time_of_the_one_before_was_up(script: Path, stage: str) -> None:
    rows = list(product(ENDS, repeat=len(PARTS)))
    cases = [
        delivering(
            stage,
            {part: {"result": end[0], "outputs": {"state": end[1]}} for part, end in zip(PARTS, ends, strict=True)},
        )
        for ends in rows
    ]
    for ends, jobs in zip(rows, ran(script, cases), strict=True):
        first = next((n for n, end in enumerate(ends) if end != ("success", "more")), len(PARTS) - 1)
        assert runs(jobs) & set(PARTS) == set(PARTS[: first + 1]), ends
        assert "ended" in runs(jobs), "what it came to is said whatever it came to"


def test_a_run_that_is_cancelled_begins_nothing(script: Path) -> None:
    more = {part: {"outputs": {"state": "more"}} for part in PARTS}
    for jobs in ran(script, [delivering(stage, more, cancelled=True) for stage in STAGES]):
        assert runs(jobs) == set()


# --- pull request


def test_the_gate_always_says_something_and_a_fork_reaches_nothing(script: Path) -> None:
    rows = list(product(("harbor-inc/harbor", "somebody/harbor"), RESULTS, RESULTS, RESULTS, RESULTS, ("", *STAGES)))
    cases = [
        {
            "file": "pull-request.yml",
            "contexts": {
                "github": {
                    "repository": "harbor-inc/harbor",
                    "event": {"number": 7, "pull_request": {"number": 7, "head": {"repo": {"full_name": head}}}},
                }
            },
            "results": {
                "checks": {"result": checks},
                "twin": {"result": twin},
                "plan": {"result": plan},
                "verdict": {"result": verdict, "outputs": {"told": "yes"}},
                "stage": {"outputs": {"stage": stage}},
            },
        }
        for head, checks, twin, plan, verdict, stage in rows
    ]
    for (head, checks, twin, _, _, stage), jobs in zip(rows, ran(script, cases), strict=True):
        ours = head == "harbor-inc/harbor"
        assert "verdict" in runs(jobs)
        assert ("twin" in runs(jobs)) is (ours and checks == "success")
        assert ("plan" in runs(jobs)) is (ours and checks == "success"), "also when a twin could not be fetched"
        assert ("deliver" in runs(jobs)) is (ours and checks == "success" and stage == "development"), (head, twin)


# --- validation of staging


def test_a_validation_begins_after_a_deployment_of_our_own_that_succeeded(script: Path) -> None:
    ours, events = ("harbor-inc/harbor", "somebody/harbor"), ("push", "workflow_dispatch", "pull_request", "schedule")
    rows = list(product(ours, events, (*RESULTS, "skipped", "timed_out"), ("", "yes"), RESULTS))
    cases = [
        {
            "file": "staging-validation.yml",
            "contexts": {
                "github": {
                    "repository": "harbor-inc/harbor",
                    "event": {
                        "workflow_run": {
                            "conclusion": conclusion,
                            "event": event,
                            "head_repository": {"full_name": head},
                        }
                    },
                }
            },
            "results": {"staged": {"outputs": {"staged": staged}}, "validate": {"result": seen}},
        }
        for head, event, conclusion, staged, seen in rows
    ]
    for (head, event, conclusion, staged, _), jobs in zip(rows, ran(script, cases), strict=True):
        begins = head == "harbor-inc/harbor" and event in events[:2] and conclusion == "success"
        assert ("staged" in runs(jobs)) is begins
        assert ("validate" in runs(jobs)) is (begins and staged == "yes")
        assert ("tell" in runs(jobs)) is (begins and staged == "yes"), "also when the validation failed"


# --- restore


@pytest.mark.parametrize(("digest", "job"), [("", "plan"), ("a" * 64, "restore")])
def test_a_restore_without_a_digest_is_a_plan_and_nothing_else(script: Path, digest: str, job: str) -> None:
    asked = {"stage": "production", "store": "main", "from": "", "at": "2026-11-30T21:00", "digest": digest}
    contexts = {"github": {"event": {}}, "inputs": asked, "vars": {}}
    assert runs(*ran(script, [{"file": "restore.yml", "contexts": contexts}])) == {job}
