"""What GitHub would do with a change on its way into a stage: in which order, who may do what, what may not be lost.

What is written here holds whatever a run does; tests/workflows/test_runs.py runs the workflows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bulkhead.delivery.validate import _SCANS, _TESTS
from bulkhead.delivery.validation import key_of
from bulkhead.model.access import KEY_ID
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.release import PULL_REQUESTS, Ref, guarded_branches, refs_that_deploy
from bulkhead.model.roles import Role, environment_of, refs_of
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from identities.aws_roles import _SESSION_SECONDS
from identities.environment import variables
from infra.product import PRODUCT

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
STAGES = [stage.value for stage in Stage]
SETTINGS = {stage: read_settings(ROOT / stack_file(stage)) for stage in Stage}


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    return loaded


DEPLOY, DELIVER, LEG, RESTORE, ROLLBACK, VALIDATION = map(
    read, ("deploy", "deliver", "leg", "restore", "rollback", "staging-validation")
)
PARTS = ["deploy", "second", "third", "fourth"]
EVERY = {path.stem: read(path.stem) for path in sorted(FOLDER.glob("*.yml"))}
JOBS = {(name, job): said for name, workflow in EVERY.items() for job, said in workflow["jobs"].items()}


def needed(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else needs


def step(job: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [each for each in job["steps"] if name in (each.get("name"), each.get("id"))]
    assert isinstance(found, dict)
    return found


def of(stage: Stage, model: str) -> tuple[Label, StageSettings]:
    settings = SETTINGS[stage].model_copy(update={"release_model": model})
    return Label(PRODUCT.name, stage, stage.value), settings


# --- what starts it


def test_a_run_starts_for_whatever_deploys_a_stage_in_either_release_model() -> None:
    main = SETTINGS[Stage.PRODUCTION].github.default_branch
    labels = [Label(PRODUCT.name, stage, stage.value) for stage in Stage]
    refs = {
        ref for label in labels for model in ("git-flow", "release-tag") for ref in refs_that_deploy(model, label, main)
    }
    on = DEPLOY["on"]
    assert set(on) == {"push", "workflow_dispatch"}
    assert set(on["push"]["branches"]) == {ref.pattern for ref in refs - {PULL_REQUESTS} if ref.kind == "branch"}
    assert set(on["push"]["tags"]) == {ref.pattern for ref in refs if ref.kind == "tag"}
    assert PULL_REQUESTS in refs
    assert EVERY["pull-request"]["jobs"]["deliver"]["uses"] == "./.github/workflows/deliver.yml"


@pytest.mark.parametrize("workflow", [DEPLOY, RESTORE, ROLLBACK])
def test_a_person_chooses_among_the_stages(workflow: dict[str, Any]) -> None:
    asked = workflow["on"]["workflow_dispatch"]["inputs"]["stage"]
    assert (asked["type"], asked["options"], asked["required"]) == ("choice", STAGES, True)


def test_the_command_says_which_stage_it_is_and_no_expression_does() -> None:
    assert "bulkhead delivery stage" in step(DEPLOY["jobs"]["stage"], "ask")["run"]
    assert "bulkhead delivery stage" in step(EVERY["pull-request"]["jobs"]["stage"], "ask")["run"]
    assert DEPLOY["jobs"]["deliver"]["with"]["stage"] == "${{ needs.stage.outputs.stage }}"
    assert not any("github.ref" in str(job.get("if", "")) for job in DEPLOY["jobs"].values())


# --- order


def test_nothing_is_built_before_it_was_checked_and_nothing_deployed_that_was_not_built() -> None:
    assert {"stage", "checks", "audit"} <= set(needed(DEPLOY["jobs"]["deliver"]))
    assert [each["run"] for each in DEPLOY["jobs"]["audit"]["steps"] if "run" in each] == ["make audit"]
    jobs = DELIVER["jobs"]
    assert needed(jobs["build"]) == []
    assert needed(jobs["deploy"]) == ["build", "validated"]
    assert [needed(jobs[part])[1] for part in PARTS[1:]] == PARTS[:-1]
    assert all("build" in needed(jobs[part]) for part in PARTS)
    assert set(needed(jobs["ended"])) == {"build", *PARTS}


def test_one_build_is_handed_on_with_its_digest_and_nobody_builds_again() -> None:
    runs = [each["run"] for each in DELIVER["jobs"]["build"]["steps"] if "run" in each]
    assert runs[0] == "make install"
    assert "delivery seal" in runs[1]
    assert all(DELIVER["jobs"][part]["with"]["digest"] == "${{ needs.build.outputs.digest }}" for part in PARTS)
    leg = LEG["jobs"]["deploy"]
    said = "\n".join(each.get("run", "") for each in leg["steps"])
    assert "make command" in said
    assert not re.search(r"make install|npm|build\.mjs", said)
    assert said.index("delivery unseal") < said.index("bulkhead deploy")


def test_production_is_deployed_only_with_what_staging_said_of_that_tree() -> None:
    assert DELIVER["jobs"]["validated"]["if"] == "${{ inputs.stage == 'production' }}"
    steps = LEG["jobs"]["deploy"]["steps"]
    fetched = next(n for n, each in enumerate(steps) if each.get("with", {}).get("name") == "validation")
    placed = next(n for n, each in enumerate(steps) if "delivery unseal" in each.get("run", ""))
    deployed = next(n for n, each in enumerate(steps) if "bulkhead deploy" in each.get("run", ""))
    assert max(placed, fetched) < deployed
    assert steps[fetched]["if"] == "${{ inputs.stage == 'production' }}"


def test_no_workflow_deploys_what_nobody_validated() -> None:
    assert not [file.name for file in FOLDER.glob("*.yml") if "--unvalidated" in file.read_text(encoding="utf-8")]


# --- who may do what


def test_a_job_may_do_what_it_is_for_and_nothing_else() -> None:
    read_only, none, reaches = {"contents": "read"}, dict[str, str](), {"contents": "read", "id-token": "write"}
    deploys = {"contents": "read", "id-token": "write", "statuses": "write"}
    calls = {"attestations": "write", **deploys, "issues": "read"}
    said = {
        workflow["name"]: {name: job["permissions"] for name, job in workflow["jobs"].items()}
        for workflow in (DEPLOY, DELIVER, LEG, RESTORE, ROLLBACK, VALIDATION)
    }
    assert said == {
        "deploy": {**dict.fromkeys(("stage", "checks", "audit"), read_only), "deliver": calls},
        "deliver": {
            "build": read_only,
            "attest": {"attestations": "write", "id-token": "write"},
            "validated": {"id-token": "write", "issues": "read"},
            **dict.fromkeys(PARTS, deploys),
            "ended": none,
        },
        "leg": {"deploy": deploys},
        "restore": {"plan": reaches, "restore": reaches},
        "rollback": {"rollback": read_only},
        "staging-validation": {
            "staged": {"actions": "read"},
            "validate": {"actions": "read", "checks": "read", "contents": "read", "id-token": "write"},
            "tell": {"issues": "write", "pull-requests": "write", "statuses": "write"},
        },
    }


@pytest.mark.parametrize(("workflow", "job"), [key for key, said in JOBS.items() if "uses" in said])
def test_what_is_called_asks_for_no_more_than_its_caller_has(workflow: str, job: str) -> None:
    """GitHub refuses the whole run otherwise, before its first job (GitHub Docs, "Reusing workflows")."""
    called = EVERY[Path(JOBS[workflow, job]["uses"]).stem]
    has = JOBS[workflow, job]["permissions"]
    for said in called["jobs"].values():
        for right, level in said["permissions"].items():
            assert has.get(right) in {level, "write"}, right


def test_each_identity_is_that_of_an_environment_which_admits_the_run() -> None:
    for model in ("git-flow", "release-tag"):
        for stage in Stage:
            label, settings = of(stage, model)
            deploying = refs_of(Role.DEPLOY, label, settings)
            assert LEG["jobs"]["deploy"]["environment"].replace("${{ inputs.stage }}", stage) == environment_of(
                Role.DEPLOY, label
            )
            for job in RESTORE["jobs"].values():
                assert job["environment"].replace("${{ inputs.stage }}", stage) == environment_of(Role.DEPLOY, label)
            named = ROLLBACK["jobs"]["rollback"]["environment"].replace("${{ inputs.stage }}", stage)
            assert named == environment_of(Role.ROLLBACK, label)
            if stage is Stage.STAGING:
                # A run that another one started is on the default branch.
                assert VALIDATION["jobs"]["validate"]["environment"] == environment_of(Role.OPERATIONS, label)
                assert Ref("branch", settings.github.default_branch) in refs_of(Role.OPERATIONS, label, settings)
            if stage is Stage.PRODUCTION:
                staging = of(Stage.STAGING, model)
                assert DELIVER["jobs"]["validated"]["environment"] == environment_of(Role.OPERATIONS, staging[0])
                assert set(deploying) <= set(refs_of(Role.OPERATIONS, *staging))


def test_what_fetches_with_stagings_identity_runs_no_code_of_the_repository() -> None:
    job = DELIVER["jobs"]["validated"]
    used = [each["uses"].partition("@")[0] for each in job["steps"] if "uses" in each]
    assert used == ["actions/upload-artifact"]
    said = "\n".join(each.get("run", "") for each in job["steps"])
    assert not any(word in said for word in ("make ", "python", ".venv", "npm ", "./"))


def test_staging_is_asked_where_it_keeps_what_it_found() -> None:
    label, settings = of(Stage.STAGING, "git-flow")
    account = settings.aws.account_id
    said = step(DELIVER["jobs"]["validated"], "Fetch the validation of this tree")
    bucket = said["env"]["BUCKET"].replace("${{ vars.AWS_ACCOUNT_ID }}", account)
    assert bucket == label.name(Kind.STATE, account)
    assert f'--key "{key_of("$TREE")}"' in said["run"]
    kept = step(VALIDATION["jobs"]["validate"], "Validate")
    assert kept["env"]["STATE"].replace("${{ vars.AWS_ACCOUNT_ID }}", account) == f"s3://{bucket}"
    assert '--keep "$STATE" --twin "$STATE"' in kept["run"]


@pytest.mark.parametrize("stage", list(Stage))
def test_the_engine_finds_the_state_of_its_own_stage(stage: Stage) -> None:
    label, settings = of(stage, "git-flow")
    given = variables(Role.DEPLOY, settings, None)
    url = step(LEG["jobs"]["deploy"], "deploy")["env"]["PULUMI_BACKEND_URL"].replace("${{ inputs.stage }}", stage)
    for name, value in given.items():
        url = url.replace(f"${{{{ vars.{name} }}}}", value)
    assert url == f"s3://{label.name(Kind.STATE, settings.aws.account_id)}?region={settings.region.primary}"


def test_an_environment_has_every_variable_that_is_read() -> None:
    own = (LEG["jobs"]["deploy"], DELIVER["jobs"]["validated"], VALIDATION["jobs"]["validate"])
    for job in (*own, *RESTORE["jobs"].values()):
        read_here = set(re.findall(r"vars\.(\w+)", str(job)))
        given = {*variables(Role.DEPLOY, SETTINGS[Stage.STAGING], None), "AWS_ROLE_ARN", KEY_ID}
        assert read_here
        assert read_here <= given


def test_secrets_reach_the_one_step_that_needs_them() -> None:
    holders = [
        (workflow, job, each.get("name"))
        for (workflow, job), said in JOBS.items()
        for each in said.get("steps", ())
        if "secrets." in str(each)
    ]
    assert set(holders) == {
        ("leg", "deploy", "Deploy"),
        ("optimize", "optimize", "Optimize"),
        ("restore", "plan", "Plan"),
        ("restore", "restore", "Restore"),
        ("rollback", "rollback", "Roll back"),
        ("staging-validation", "validate", "Validate"),
    }
    # What is called gets none of its own environment's secrets unless its caller hands on what it has, which is none:
    # a policy refuses a secret of the whole repository (actions/runner#1490).
    handed = {key for key, said in JOBS.items() if "secrets" in said}
    assert handed == {key for key, said in JOBS.items() if re.search(r"/(deliver|leg)\.yml", said.get("uses", ""))}
    assert all(JOBS[key]["secrets"] == "inherit" for key in handed)


# --- the validation of staging


def test_a_validation_follows_a_deployment_of_our_own_on_a_guarded_branch() -> None:
    """A fork's pull request may bring a workflow of that name, and what it starts has the default branch's rights."""
    on = VALIDATION["on"]["workflow_run"]
    main = SETTINGS[Stage.STAGING].github.default_branch
    assert on == {
        "workflows": [DEPLOY["name"]],
        "types": ["completed"],
        "branches": [*reversed(guarded_branches(main))],
    }
    assert set(VALIDATION["on"]) == {"workflow_run"}
    judged = VALIDATION["jobs"]["staged"]["if"]
    assert "workflow_run.head_repository.full_name == github.repository" in judged
    assert "workflow_run.conclusion == 'success'" in judged
    assert all("staged" in needed(VALIDATION["jobs"][job]) for job in ("validate", "tell"))


def test_a_validation_takes_half_an_hour_at_most() -> None:
    assert sum(job["timeout-minutes"] for job in VALIDATION["jobs"].values()) <= 30


def test_what_may_write_runs_no_code_of_the_repository() -> None:
    job = VALIDATION["jobs"]["tell"]
    assert [each["uses"].partition("@")[0] for each in job["steps"] if "uses" in each] == ["actions/download-artifact"]
    said = "\n".join(each.get("run", "") for each in job["steps"])
    assert not any(word in said for word in ("make ", "python", ".venv", "npm ", "./"))


def test_the_checks_that_a_validation_asks_for_are_those_that_a_deployment_has() -> None:
    jobs = DEPLOY["jobs"]
    there = {f"{job} / {inner}" for job in jobs if "uses" in jobs[job] for inner in EVERY["checks"]["jobs"]} | set(jobs)
    assert {*_TESTS, *_SCANS} <= there


def test_the_checklist_is_looked_for_under_the_title_that_it_gets() -> None:
    template = (ROOT / ".github" / "ISSUE_TEMPLATE" / "staging-validation.md").read_text(encoding="utf-8")
    title = re.search(r'title: "(.+) <tree>"', template)
    opened = step(VALIDATION["jobs"]["tell"], "Open the list of what people look at")
    assert title is not None
    assert f'title="{title[1]} $tree"' in opened["run"]
    assert VALIDATION["jobs"]["tell"]["env"]["LABEL"] in template
    label = step(DELIVER["jobs"]["validated"], "Fetch the validation of this tree")["env"]["LABEL"]
    assert label == VALIDATION["jobs"]["tell"]["env"]["LABEL"]
    assert "- [ ] " in template


# --- what may not be lost


@pytest.mark.parametrize(
    ("workflow", "job"), [key for key, said in JOBS.items() if "deliver.yml" in said.get("uses", "")]
)
def test_a_stage_is_deployed_by_one_run_at_a_time_and_no_run_is_cancelled(workflow: str, job: str) -> None:
    said = JOBS[workflow, job]["concurrency"]
    assert said["cancel-in-progress"] is False
    group = said["group"].replace("${{ needs.stage.outputs.stage }}", "development")
    assert group == "deploy-development", "whatever starts it, a stage has one group"
    assert "concurrency" not in EVERY[workflow], "it would cancel or hold up other stages"


def test_a_rollback_waits_for_no_deployment() -> None:
    assert ROLLBACK["concurrency"] == {"group": "rollback-${{ inputs.stage }}", "cancel-in-progress": False}


def test_a_part_of_a_rollout_ends_before_its_identity_and_its_job_do() -> None:
    job = LEG["jobs"]["deploy"]
    seconds = int(step(job, "deploy")["env"]["SECONDS_AT_MOST"])
    assert seconds + 5 * 60 <= _SESSION_SECONDS, "what it does last still needs the identity"
    assert seconds + 10 * 60 <= job["timeout-minutes"] * 60, "the set-up takes some of it"


@pytest.mark.parametrize(("workflow", "job"), [key for key, said in JOBS.items() if "steps" in said])
def test_nothing_that_somebody_wrote_becomes_a_command(workflow: str, job: str) -> None:
    assert "${{" not in "\n".join(each.get("run", "") for each in JOBS[workflow, job]["steps"])


@pytest.mark.parametrize("name", EVERY)
def test_a_failure_in_the_middle_of_a_pipe_is_a_failure(name: str) -> None:
    """Without the word, GitHub's bash has no pipefail (GitHub Docs, "Workflow syntax", shell)."""
    piped = [
        each
        for said in EVERY[name]["jobs"].values()
        for each in said.get("steps", ())
        if re.search(r"(?<!\|)\|(?!\|)", each.get("run", ""))
    ]
    assert not piped or EVERY[name].get("defaults") == {"run": {"shell": "bash"}}


@pytest.mark.parametrize(("workflow", "job"), [key for key, said in JOBS.items() if "steps" in said])
def test_a_job_with_an_identity_restores_nothing_from_a_cache(workflow: str, job: str) -> None:
    said = JOBS[workflow, job]
    if said["permissions"].get("id-token") or (workflow, job) == ("deliver", "build"):
        assert not any("cache" in each.get("with", {}) for each in said["steps"])


@pytest.mark.parametrize(("workflow", "job"), [key for key, said in JOBS.items() if "steps" in said])
def test_no_checkout_leaves_a_credential_behind(workflow: str, job: str) -> None:
    checkouts = [each for each in JOBS[workflow, job]["steps"] if each.get("uses", "").startswith("actions/checkout@")]
    assert all(each["with"]["persist-credentials"] is False for each in checkouts)


@pytest.mark.parametrize(("workflow", "job"), JOBS)
def test_a_condition_stands_on_one_line(workflow: str, job: str) -> None:
    """Of one that goes over several lines, GitHub's parser makes a text, and a text that is not empty is true."""
    text = (FOLDER / f"{workflow}.yml").read_text(encoding="utf-8")
    assert not re.search(r"^\s+(- )?if: *[|>]", text, re.MULTILINE), job
