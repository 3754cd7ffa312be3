"""A required check that nothing reports lets nothing be merged."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from bulkhead.model.settings.files import check_files
from tests.model.settings.baseline import PRODUCT, baseline, write

PULL_REQUEST = "on:\n  pull_request:\n    branches: [main, develop]\n"


def told(checkout: Path, *required: str) -> list[tuple[str, str]]:
    config = baseline("production")
    config["bulkhead:github"]["requiredChecks"] = [*required]
    findings = check_files([write(checkout, "production", config)], PRODUCT)
    return [(each.fault.key, each.fault.message) for each in findings if "requiredChecks" in each.fault.key]


def checkout(folder: Path, **workflows: str) -> Path:
    (folder / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    (folder / ".github" / "workflows").mkdir(parents=True)
    for name, text in workflows.items():
        (folder / ".github" / "workflows" / f"{name}.yml").write_text(dedent(text))
    return folder


JOBS = "jobs:\n  lint: {runs-on: x}\n  unit: {runs-on: x}\n"
REPORTED = {
    "a job": (PULL_REQUEST + JOBS, ["lint", "unit"]),
    "any branch": ("on: pull_request\n" + JOBS, ["lint"]),
    "one of several events": ("on: [push, pull_request]\n" + JOBS, ["lint"]),
    "a push to any branch": ("on: push\n" + JOBS, ["lint"]),
    "a pattern": ("on:\n  pull_request:\n    branches: ['**', '!release/*']\n" + JOBS, ["lint"]),
    "some branches ignored": ("on:\n  pull_request:\n    branches-ignore: [gh-pages]\n" + JOBS, ["lint"]),
    "a name": (PULL_REQUEST + "jobs:\n  a: {name: 'Unit tests (3.11)', runs-on: x}\n", ["Unit tests (3.11)"]),
    "a matrix": (
        PULL_REQUEST + "jobs:\n  a: {runs-on: x, strategy: {matrix: {os: [linux, mac], node: [22, 24]}}}\n",
        ["a (linux, 22)", "a (mac, 24)"],
    ),
    "a matrix with a name": (
        PULL_REQUEST + "jobs:\n  a: {name: Unit tests, runs-on: x, strategy: {matrix: {os: [linux], fast: [true]}}}\n",
        ["Unit tests (linux, true)"],
    ),
    "a matrix that only GitHub can know": (
        PULL_REQUEST + "jobs:\n  a: {runs-on: x, strategy: {matrix: '${{ fromJSON(needs.b.outputs.c) }}'}}\n",
        ["a (anything)"],
    ),
    "a name with an expression": (
        PULL_REQUEST + "jobs:\n  a: {name: 'test ${{ matrix.os }} x', runs-on: x}\n",
        ["test linux x"],
    ),
    "another repository's workflow": (PULL_REQUEST + "jobs:\n  a: {uses: o/r/.github/workflows/x.yml@v1}\n", ["a / b"]),
}


@pytest.mark.parametrize(("workflow", "required"), REPORTED.values(), ids=REPORTED)
def test_a_check_that_is_reported_is_fine(tmp_path: Path, workflow: str, required: list[str]) -> None:
    assert told(checkout(tmp_path, ci=workflow), *required) == []


MISSING = {
    "misspelt": (PULL_REQUEST + JOBS, "lnit"),
    "in other capitals": (PULL_REQUEST + JOBS, "Lint"),
    "the key of a job that has a name": (PULL_REQUEST + "jobs:\n  lint: {name: Linter, runs-on: x}\n", "lint"),
    "the workflow instead of a job": ("name: ci\n" + PULL_REQUEST + JOBS, "ci / lint"),
    "only after the merge": ("on:\n  push:\n    branches: [main]\n" + JOBS, "lint"),
    "on one of the branches": ("on:\n  pull_request:\n    branches: [main]\n" + JOBS, "lint"),
    "on other branches": ("on:\n  pull_request:\n    branches: ['*', '!develop']\n" + JOBS, "lint"),
    "not on this branch": ("on:\n  pull_request:\n    branches-ignore: [main]\n" + JOBS, "lint"),
    "for some paths": ("on:\n  pull_request:\n    paths: ['src/**']\n" + JOBS, "lint"),
    "a matrix as a whole": (PULL_REQUEST + "jobs:\n  a: {runs-on: x, strategy: {matrix: {os: [linux]}}}\n", "a"),
    "a value that the matrix lacks": (
        PULL_REQUEST + "jobs:\n  a: {runs-on: x, strategy: {matrix: {os: [linux]}}}\n",
        "a (mac)",
    ),
    "a called workflow without its job": (PULL_REQUEST + "jobs:\n  a: {uses: o/r/x.yml@v1}\n", "a"),
    "of a file that is no workflow": (PULL_REQUEST + JOBS + "  [\n", "lint"),
    "of another form": ("on: {pull_request: x}\njobs: [lint]\n", "lint"),
    "another app's": (PULL_REQUEST + JOBS, "codecov/patch"),
}


@pytest.mark.parametrize(("workflow", "required"), MISSING.values(), ids=MISSING)
def test_a_check_that_nothing_reports_is_a_fault(tmp_path: Path, workflow: str, required: str) -> None:
    [(key, message)] = told(checkout(tmp_path, ci=workflow), required)
    assert key == "bulkhead:github.requiredChecks[0]"
    assert "nothing could be merged" in message


def test_a_misspelt_one_is_told_the_right_one(tmp_path: Path) -> None:
    [(key, message)] = told(checkout(tmp_path, ci=PULL_REQUEST + JOBS), "unit", "linnt")
    assert key == "bulkhead:github.requiredChecks[1]"
    assert message.endswith("did you mean lint?")


def test_two_workflows_for_some_paths_and_all_others_make_one_check(tmp_path: Path) -> None:
    some, others = (f"on:\n  pull_request:\n    {word}: ['docs/**']\n{JOBS}" for word in ("paths", "paths-ignore"))
    assert told(checkout(tmp_path, some=some, others=others), "lint") == []


def test_a_called_workflow_of_the_checkout_names_its_jobs(tmp_path: Path) -> None:
    calls = PULL_REQUEST + "jobs:\n  ci: {uses: ./.github/workflows/called.yml}\n"
    folder = checkout(tmp_path, ci=calls, called="on: workflow_call\n" + JOBS)
    assert told(folder, "ci / lint") == []
    assert [key for key, _ in told(folder, "lint", "ci / x")] == [
        "bulkhead:github.requiredChecks[0]",
        "bulkhead:github.requiredChecks[1]",
    ]


def test_a_checkout_without_workflows_can_require_none(tmp_path: Path) -> None:
    assert told(checkout(tmp_path)) == []
    [(_, message)] = told(tmp_path, "lint")
    assert "reported by no workflow" in message


def test_of_a_file_that_lies_elsewhere_no_workflow_is_known(tmp_path: Path) -> None:
    assert told(tmp_path, "lint") == []
