"""What GitHub would do with a pull request: which jobs there are, in which order, and what each of them may reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bulkhead.engine.versions import pinned_engine, text_of
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.project import read_project
from bulkhead.model.release import PULL_REQUESTS, guarded_branches
from bulkhead.model.roles import Role, environment_of, refs_of
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.preview.markdown import ABOVE, COMMENT, LIMIT
from bulkhead.twin.store import key_of
from identities.permissions import grants
from infra.product import PRODUCT
from tests.support.stages import rendered_identities

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
STAGES = [stage.value for stage in Stage]
FOR_EVERYBODY = ["lint", "types", "unit", "rehearsal"]
OURS_ONLY = "${{ github.event.pull_request.head.repo.full_name == github.repository }}"


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


WORKFLOW = read("pull-request.yml")
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
CHECKS: dict[str, dict[str, Any]] = read("checks.yml")["jobs"]
STEPS = {name: job["steps"] for name, job in {**CHECKS, **JOBS}.items() if "steps" in job}
SETUP: list[dict[str, Any]] = read("../actions/setup/action.yml")["runs"]["steps"]
OURS = [job for job in JOBS if "steps" in JOBS[job]]


def needed(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


def steps(job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = STEPS[job]
    return found


def scripts(job: str) -> str:
    return "\n".join(step.get("run", "") for step in steps(job))


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield str(key)
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    else:
        yield str(value)


def checkouts(job: str) -> list[dict[str, Any]]:
    return [step["with"] for step in steps(job) if step.get("uses", "").startswith("actions/checkout@")]


# --- order, and what is asked of a merge


def test_a_pull_request_is_checked_in_the_order_in_which_faults_are_cheap() -> None:
    assert list(CHECKS) == FOR_EVERYBODY
    assert [needed(CHECKS[job]) for job in FOR_EVERYBODY] == [[], ["lint"], ["types"], ["unit"]]
    assert JOBS["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert [needed(JOBS[job]) for job in ("checks", "twin", "plan")] == [[], ["checks"], ["twin"]]
    assert {"checks", "plan"} <= set(needed(JOBS["verdict"]))
    assert needed(JOBS["comment"]) == ["verdict"]
    assert (needed(JOBS["stage"]), needed(JOBS["deliver"])) == (["checks"], ["stage"])


def test_each_check_calls_the_verb_that_a_person_calls() -> None:
    verbs = {job: [step["run"] for step in steps(job) if "run" in step] for job in FOR_EVERYBODY}
    assert verbs == {
        "lint": ["make lint"],
        "types": ["make types"],
        "unit": ["make unit"],
        "rehearsal": ["make rehearse", "make slow"],
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for verb in ("lint", "types", "unit", "rehearse", "slow"):
        assert re.search(rf"^{verb}:", makefile, re.MULTILINE), verb


def test_nothing_is_merged_without_the_checks_that_say_no() -> None:
    required = read_settings(ROOT / stack_file("production")).github.required_checks
    assert list(required) == [*(f"checks / {job}" for job in FOR_EVERYBODY), "verdict"]
    # The name of a check is the job's; a matrix has as many as it has values, and none of them when it is skipped.
    named = [JOBS["checks"], JOBS["verdict"], *CHECKS.values()]
    assert not any("name" in job or "strategy" in job for job in named)


def test_no_required_check_can_be_skipped_and_so_count_as_passed() -> None:
    """GitHub takes a required check that was skipped for one that passed, and skips what needs a job that failed."""
    for job in (JOBS["checks"], *CHECKS.values()):
        assert "if" not in job
        assert set(needed(job)) <= set(FOR_EVERYBODY), "its own failure stops the merge"
    assert JOBS["verdict"]["if"] == "${{ always() }}"
    first = steps("verdict")[0]
    assert (first["if"], first["run"]) == ("${{ needs.checks.result != 'success' }}", "exit 1")
    judge = next(step for step in steps("verdict") if step.get("id") == "judge")
    assert judge["env"]["PLAN"] == "${{ needs.plan.result }}"
    assert judge["run"].rstrip().endswith('[ "$PLAN" = success ] && [ -z "$stopped" ]')
    assert "continue-on-error" not in "\n".join([*texts(WORKFLOW), *texts(CHECKS)])


def test_every_branch_that_is_guarded_is_served() -> None:
    main = read_settings(ROOT / stack_file("production")).github.default_branch
    assert sorted(WORKFLOW["on"]["pull_request"]["branches"]) == sorted(guarded_branches(main))
    assert set(WORKFLOW["on"]) == {"pull_request"}


def test_a_newer_push_ends_the_checks_of_an_older_one_and_no_deployment() -> None:
    assert "concurrency" not in WORKFLOW, "it would end a deployment, too"
    assert "github.event.pull_request.number" in JOBS["checks"]["concurrency"]["group"]
    assert JOBS["checks"]["concurrency"]["cancel-in-progress"] is True
    assert JOBS["deliver"]["concurrency"] == {"group": "deploy-development", "cancel-in-progress": False}


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.y*ml")))
def test_every_job_ends(name: str) -> None:
    jobs = read(name)["jobs"].values()
    assert all(0 < job["timeout-minutes"] <= 60 for job in jobs if "uses" not in job)
    assert not any("timeout-minutes" in job for job in jobs if "uses" in job), "GitHub takes none of what it calls"


# --- what each job may reach

READS = {"contents": "read"}
MAY = {
    "checks": READS,
    "twin": {"id-token": "write"},
    "plan": READS,
    "verdict": READS,
    "comment": {"pull-requests": "write"},
    "stage": READS,
    # As much as any job of what it calls: what GitHub calls a job may not have more than its caller.
    "deliver": {
        "attestations": "write",
        "contents": "read",
        "id-token": "write",
        "issues": "read",
        "statuses": "write",
    },
}


def test_a_job_may_do_what_it_is_for_and_nothing_else() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == MAY
    assert {name: job["permissions"] for name, job in CHECKS.items()} == dict.fromkeys(FOR_EVERYBODY, READS)


def test_no_job_but_the_deployment_is_handed_a_secret() -> None:
    said = [*texts({name: job for name, job in JOBS.items() if name != "deliver"}), *texts(CHECKS)]
    assert not any("secrets." in text or text == "secrets" for text in said)


@pytest.mark.parametrize("job", [*FOR_EVERYBODY, "plan", "stage"])
def test_what_runs_a_pull_requests_code_has_no_identity_and_no_environment(job: str) -> None:
    said = {**CHECKS, **JOBS}[job]
    assert "environment" not in said
    assert not any("github.token" in text or "vars." in text for text in texts(said))
    assert "write" not in said["permissions"].values()


def test_a_pull_request_reaches_no_other_stage_than_development_and_a_fork_reaches_none() -> None:
    assert JOBS["deliver"]["with"]["stage"] == "development"
    assert JOBS["deliver"]["if"] == "${{ needs.stage.outputs.stage == 'development' }}"
    assert JOBS["stage"]["if"] == OURS_ONLY


@pytest.mark.parametrize("job", ["twin", "comment"])
def test_what_has_an_identity_or_may_write_runs_no_code_of_the_repository(job: str) -> None:
    assert checkouts(job) == []
    assert not any(word in scripts(job) for word in ("make ", "python", "bulkhead preview", "npm ", "./"))
    used = [step["uses"].partition("@")[0] for step in steps(job) if "uses" in step]
    assert set(used) <= {"actions/upload-artifact", "actions/download-artifact"}


def test_the_gate_is_the_bases() -> None:
    assert [with_["ref"] for with_ in checkouts("verdict")] == ["${{ github.base_ref }}"]
    assert [with_["fetch-depth"] for with_ in checkouts("verdict")] == [
        0
    ]  # waivers count from the commit that added them
    places = {with_["path"]: with_.get("ref") for with_ in checkouts("plan")}
    assert places == {"base": "${{ github.base_ref }}", "head": None}
    assert "base/.venv/bin/bulkhead preview" in scripts("plan")
    assert "--base HEAD" in scripts("plan")
    assert "--base HEAD" in scripts("verdict")


def test_what_is_installed_for_the_base_is_installed_before_the_head_runs() -> None:
    runs = [step["run"] for step in steps("plan") if "run" in step]
    assert runs[:2] == ["make -C base install", "make -C head install"]
    assert "./base/.github/actions/setup" in [step.get("uses") for step in steps("plan")]


@pytest.mark.parametrize("job", STEPS)
def test_no_checkout_leaves_a_credential_behind(job: str) -> None:
    assert all(with_["persist-credentials"] is False for with_ in checkouts(job))


@pytest.mark.parametrize("job", STEPS)
def test_nothing_that_somebody_wrote_becomes_a_command(job: str) -> None:
    assert "${{" not in scripts(job)


def test_a_fork_is_checked_and_is_told_why_it_is_not_previewed() -> None:
    assert JOBS["twin"]["if"] == OURS_ONLY
    assert "needs.twin.result != 'skipped'" in JOBS["plan"]["if"]
    assert JOBS["verdict"]["env"]["OURS"] == OURS_ONLY
    said = next(step for step in steps("verdict") if step.get("if") == "${{ env.OURS == 'false' }}")
    assert "GITHUB_STEP_SUMMARY" in said["run"]
    others = steps("verdict")[2:]
    assert all("OURS == 'true'" in step["if"] or "judge.outputs.told" in step["if"] for step in others)


# --- what it relies on elsewhere


@pytest.mark.parametrize("job", ["twin", "plan"])
def test_every_stage_is_previewed_whatever_becomes_of_the_others(job: str) -> None:
    assert JOBS[job]["strategy"] == {"fail-fast": False, "matrix": {"stage": STAGES}}


def test_the_verdict_asks_about_every_stage() -> None:
    assert f"for stage in {' '.join(STAGES)}; do" in scripts("verdict")


@pytest.mark.parametrize("stage", STAGES)
def test_a_twin_is_fetched_by_the_role_for_previews_from_where_it_lies(stage: str) -> None:
    label, settings = Label(PRODUCT.name, Stage(stage), stage), read_settings(ROOT / stack_file(stage))
    environment = JOBS["twin"]["environment"].replace("${{ matrix.stage }}", stage)
    assert environment == environment_of(Role.PREVIEW, label)
    assert refs_of(Role.PREVIEW, label, settings) == (PULL_REQUESTS,)
    account = settings.aws.account_id
    [fetches] = [step for step in steps("twin") if "run" in step]
    said = {
        name: value.replace("${{ matrix.stage }}", stage).replace("${{ vars.AWS_ACCOUNT_ID }}", account)
        for name, value in fetches["env"].items()
    }
    assert said["BUCKET"] == label.name(Kind.STATE, account)
    assert said["KEY"] == key_of(str(read_project(ROOT)["name"]), stage)
    reads = [each for each in identity_grants(stage) if each.endswith(f"{said['BUCKET']}/twins/*")]
    assert reads, "the role may not read it"


def identity_grants(stage: str) -> list[str]:
    from bulkhead.model.aws_scope import aws_scope_of  # noqa: PLC0415

    label, settings = Label(PRODUCT.name, Stage(stage), stage), read_settings(ROOT / stack_file(stage))
    found = grants(Role.PREVIEW, aws_scope_of(label, settings), PRODUCT)
    return [resource for grant in found if "s3:GetObject" in grant.actions for resource in grant.resources]


def test_the_environment_of_a_preview_has_the_variables_that_are_read() -> None:
    read_here = set(re.findall(r"vars\.(\w+)", "\n".join(texts(JOBS["twin"]))))
    stage = rendered_identities("first", "staging")
    given = {
        each.inputs["variableName"]
        for each in stage.of("github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable")
        if each.name.startswith("preview-")
    }
    assert read_here
    assert read_here <= given


def test_the_engine_is_the_one_that_is_tested() -> None:
    [installs] = [step for step in SETUP if step.get("uses", "").startswith("pulumi/actions@")]
    assert installs["with"] == {"pulumi-version": text_of(pinned_engine())}


def test_the_comment_is_found_again_and_has_room() -> None:
    mark = re.search(r'startswith\("(.+?)"\)', steps("comment")[1]["env"]["OURS"])
    above = re.search(r"printf '(.+)' \"\$COMMIT\" > comment.md", scripts("verdict"))
    assert mark is not None
    assert above is not None
    assert above[1].startswith(mark[1])
    assert "PATCH" in scripts("comment")
    assert "POST" in scripts("comment")
    assert len(above[1]) + 40 <= ABOVE
    assert ABOVE + len(STAGES) * LIMIT <= COMMENT


def test_the_comment_names_the_commit_that_was_previewed() -> None:
    judge = next(step for step in steps("verdict") if step.get("id") == "judge")
    assert judge["env"]["COMMIT"] == "${{ github.event.pull_request.head.sha }}"


@pytest.mark.parametrize("job", OURS)
def test_what_judges_or_has_a_right_restores_nothing_that_a_pull_request_could_have_cached(job: str) -> None:
    """An entry of the cache is no file of a commit: what lies unpacked in one is installed whatever its hash."""
    for step in steps(job):
        action, given = step.get("uses", "").partition("@")[0], step.get("with", {})
        assert action not in {"actions/cache", "actions/cache/restore"}
        assert not action.startswith("actions/setup-")
        assert "cache" not in given


def test_nothing_is_restored_from_a_cache_unless_a_job_asks_for_it() -> None:
    assert read("../actions/setup/action.yml")["inputs"]["cache"]["default"] == "false"
    # Without the word, setup-node restores npm's cache as soon as a package.json names npm as packageManager.
    words = {step["uses"].partition("@")[0]: step["with"] for step in SETUP}
    assert words["actions/setup-node"]["package-manager-cache"] == "${{ inputs.cache }}"
    assert words["actions/setup-go"]["cache"] == "${{ inputs.cache }}"
    assert "cache" not in words["actions/setup-python"], "it restores nothing until it is told what"
