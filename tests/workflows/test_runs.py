"""The workflows, run by act: what happens after what, and what does not happen when something goes wrong."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.act import Act, Ran

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

PULL_REQUEST: dict[str, Any] = {
    "number": 7,
    "head": {"sha": "a" * 40, "ref": "feature/boats", "repo": {"full_name": "harbor-inc/harbor"}},
    "base": {"ref": "develop", "sha": "b" * 40},
}
BRANCH = {"development": "develop", "staging": "develop", "production": "main"}
DEPLOYS = "exit 0"


@cache
def built() -> str:
    """Return the path of act, built by Go where nobody has built it yet: minutes, once a machine."""
    done = subprocess.run(
        ["go", "-C", str(ROOT / "tools" / "act"), "tool", "-n", "act"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def act(tmp_path: Path) -> Act:
    return Act(tmp_path, built())


def bulkhead(act: Act, stage: str = "staging", deploy: str = DEPLOYS, **others: str) -> None:
    """Let the command answer as it would for ``stage``; ``deploy`` and ``others`` are what else it does."""
    cases = {
        "delivery stage": f'echo "stage={stage}" >> "$GITHUB_OUTPUT"; echo tree=7ree >> "$GITHUB_OUTPUT"',
        "delivery seal": 'mkdir build; echo "{}" > build/provenance.json; echo digest=d1935 >> "$GITHUB_OUTPUT"',
        f"deploy {stage}": deploy,
        **{name.replace("_", " "): script for name, script in others.items()},
    }
    lines = "\n".join(f'"{words}") {script} ;;' for words, script in cases.items())
    act.has("bulkhead", f'case "$1 $2" in\n{lines}\nesac')


def pushed(act: Act, stage: str = "staging") -> Ran:
    return act.run("deploy", "push", {"ref": f"refs/heads/{BRANCH[stage]}"}, BRANCH[stage])


def first(ran: Ran, *words: str) -> int:
    return ran.asked.index(ran.calls(*words)[0])


# --- a change on its way


def test_a_change_is_checked_then_built_then_deployed(act: Act) -> None:
    bulkhead(act)
    ran = pushed(act)
    assert ran.code == 0, ran.said
    chain = ["make lint", "make types", "make unit", "make rehearse", "make slow", "delivery seal", "bulkhead deploy"]
    assert [first(ran, words) for words in chain] == sorted(first(ran, words) for words in chain)
    assert ran.calls("bulkhead deploy") == ["deploy: bulkhead deploy staging --yes staging"]
    assert ran.calls("delivery unseal") == ["deploy: bulkhead delivery unseal staging --from build --digest d1935"]
    assert (act.folder / "artifacts" / "delivered-staging" / "provenance.json").exists()


@pytest.mark.parametrize("verb", ["unit", "slow"])
def test_what_fails_a_check_is_neither_built_nor_deployed(act: Act, verb: str) -> None:
    bulkhead(act)
    act.has(
        "make", f'[ "$1" != {verb} ] || exit 1\nmkdir -p .venv/bin; ln -sf "$SCENE/bin/bulkhead" .venv/bin/bulkhead'
    )
    ran = pushed(act)
    assert ran.code != 0
    assert not ran.calls("delivery seal")
    assert not ran.calls("bulkhead deploy")
    verbs = ["lint", "types", "unit", "rehearse", "slow"]
    asked = [call.split("make ")[1] for call in ran.calls("make ") if call.split("make ")[1] in verbs]
    assert asked == verbs[: verbs.index(verb) + 1]


def test_an_event_that_deploys_no_stage_is_checked_and_no_more(act: Act) -> None:
    bulkhead(act, stage="")
    ran = pushed(act)
    assert ran.code == 0, ran.said
    assert ran.calls("make slow")
    assert not ran.calls("delivery seal")


def test_a_stage_that_may_not_be_deployed_from_there_is_not(act: Act) -> None:
    bulkhead(act, delivery_stage="exit 1")
    ran = act.run("deploy", "workflow_dispatch", {"ref": "refs/heads/develop"}, "develop", stage="production")
    assert ran.code != 0
    assert ran.calls("bulkhead delivery stage --stage production")
    assert not ran.calls("delivery seal")


@pytest.mark.parametrize(
    ("step", "script"), [("delivery_seal", "exit 1"), ("delivery_unseal", "exit 1")], ids=["not built", "another build"]
)
def test_a_build_that_is_not_right_is_not_deployed(act: Act, step: str, script: str) -> None:
    bulkhead(act, **{step: script})
    ran = pushed(act)
    assert ran.code != 0
    assert not ran.calls("bulkhead deploy")
    assert not ran.calls("curl"), "and nobody takes an identity for it"


# --- a rollout that takes longer than an identity


def turns(act: Act, *codes: int) -> str:
    """Return what `bulkhead deploy` does, turn by turn."""
    lines = "\n".join(str(code) for code in codes)
    (act.folder / "codes").write_text(f"{lines}\n")
    return 'code=$(head -n 1 "$SCENE/codes"); sed -i 1d "$SCENE/codes"; exit "$code"'


@pytest.mark.parametrize(
    ("codes", "good"),
    [
        ([0], True),
        ([124, 124, 124, 0], True),
        ([137, 0], True),
        ([124, 124, 124, 124], False),
        ([1], False),
        ([124, 1], False),
        ([124, 124, 3], False),
    ],
)
def test_a_rollout_goes_on_while_its_time_was_up_and_ends_with_what_it_came_to(
    act: Act, codes: list[int], good: bool
) -> None:
    bulkhead(act, deploy=turns(act, *codes, 99))
    ran = pushed(act)
    assert (ran.code == 0) is good, ran.said
    assert len(ran.calls("bulkhead deploy")) == len(codes), "nothing that stopped is begun again"
    assert len(ran.calls("curl")) == len(codes), "each part takes its identity anew"
    assert (act.folder / "artifacts" / "delivered-staging").exists() is good


def test_the_time_of_a_part_is_up_before_its_identity_is_worth_nothing(act: Act) -> None:
    act.has("timeout", 'exec /usr/bin/timeout "$1" "$2" 1 "${@:4}"')
    began = 'if [ -e "$SCENE/began" ]; then exit 0; fi; touch "$SCENE/began"; exec sleep 60'
    bulkhead(act, deploy=began)
    ran = pushed(act)
    assert ran.code == 0, ran.said
    assert len(ran.calls("deploy: bulkhead deploy")) == 2
    assert ran.calls("timeout --signal=INT --kill-after=120 2700 .venv/bin/bulkhead deploy")


# --- production

ISSUES = '[[ "$*" == *--paginate* ]] && echo 12 || echo "{}"'


def test_production_is_handed_what_staging_said_of_its_tree(act: Act) -> None:
    bulkhead(act, "production")
    act.has("aws", 'echo "{}" > "${@: -1}"')
    act.has("gh", ISSUES)
    ran = pushed(act, "production")
    assert ran.code == 0, ran.said
    [fetched] = ran.calls("aws s3api get-object")
    assert "--bucket harbor-staging-state-444455556666 --key validation/7ree.json" in fetched
    [deployed] = ran.calls("deploy: bulkhead deploy")
    assert deployed.endswith("--validation validation/validation.json --checklist validation/checklist.json")
    assert ran.asked.index(fetched) < ran.asked.index(deployed)


@pytest.mark.parametrize(
    ("aws", "gh"),
    [("exit 254", ISSUES), ('echo "{}" > "${@: -1}"', "exit 0"), ('echo "{}" > "${@: -1}"', "exit 1")],
    ids=["never validated", "no checklist", "GitHub does not answer"],
)
def test_production_is_not_deployed_without_a_validation_that_passed(act: Act, aws: str, gh: str) -> None:
    bulkhead(act, "production")
    act.has("aws", aws)
    act.has("gh", gh)
    ran = pushed(act, "production")
    assert ran.code != 0
    assert not ran.calls("bulkhead deploy")


def test_other_stages_ask_for_no_validation(act: Act) -> None:
    bulkhead(act, "development")
    ran = pushed(act, "development")
    assert ran.code == 0, ran.said
    assert not ran.calls("aws s3api")
    assert not ran.calls("bulkhead validate")


# --- a pull request


def pulled(act: Act, **changes: Any) -> Ran:
    return act.run("pull-request", "pull_request", {"number": 7, "pull_request": {**PULL_REQUEST, **changes}})


def previewing(act: Act, stage: str = "development") -> None:
    """Let previews and their fetching work; a checkout of the base beside one of the head is made by `make -C`."""
    writes = 'for word; do case $word in *.jsonl) echo "{}" > "$word";; esac; done; echo "part of $2"'
    cases = {f"preview {each}": writes for each in ("development", "staging", "production")}
    bulkhead(act, stage, **{name.replace(" ", "_"): script for name, script in cases.items()})
    act.has("aws", 'echo "{}" > "${@: -1}"')
    place = '[ "$1" = -C ] && cd "$2"; mkdir -p .venv/bin; ln -sf "$SCENE/bin/bulkhead" .venv/bin/bulkhead'
    act.has("make", place)


def test_a_pull_request_is_checked_previewed_and_deployed_to_development(act: Act) -> None:
    previewing(act)
    ran = pulled(act)
    assert ran.code == 0, ran.said
    assert len(ran.calls("plan: bulkhead preview")) == 3
    assert len(ran.calls("verdict: bulkhead preview")) == 3
    assert ran.calls("comment: gh api --silent --method POST")
    assert ran.calls("bulkhead deploy") == ["deploy: bulkhead deploy development --yes development"]


def test_a_pull_request_of_a_fork_is_checked_and_reaches_nothing(act: Act) -> None:
    previewing(act)
    ran = pulled(act, head={**PULL_REQUEST["head"], "repo": {"full_name": "somebody/harbor"}})
    assert ran.code == 0, ran.said
    assert ran.calls("make slow")
    for word in ("curl", "aws", "gh ", "bulkhead deploy", "delivery"):
        assert not ran.calls(word), word
    assert any("verdict" in job and result == "success" for job, result in ran.jobs.items())


@pytest.mark.parametrize("stage", ["", "production"])
def test_a_pull_request_deploys_nothing_else(act: Act, stage: str) -> None:
    previewing(act, stage)
    ran = pulled(act)
    assert ran.code == 0, ran.said
    assert not ran.calls("bulkhead deploy")
    assert not ran.calls("delivery seal")


def test_a_pull_request_that_fails_a_check_reaches_nothing(act: Act) -> None:
    """That its gate says no is GitHub's evaluator's to show: act ends a run as soon as what it called has failed."""
    previewing(act)
    act.has("make", '[ "$1" != unit ]')
    ran = pulled(act)
    assert ran.code != 0
    for word in ("curl", "aws", "gh ", "bulkhead"):
        assert not ran.calls(word), word


# --- back


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"stage": "production"}, "rollback production --yes production --token-env CLOUDFLARE_API_TOKEN"),
        (
            {"stage": "staging", "version": "v 1"},
            "rollback staging --yes staging --token-env CLOUDFLARE_API_TOKEN --to v 1",
        ),
    ],
)
def test_a_rollback_goes_to_the_version_before_or_to_the_one_that_is_named(
    act: Act, inputs: dict[str, str], words: str
) -> None:
    ran = act.run("rollback", "workflow_dispatch", {"ref": "refs/heads/main"}, **inputs)
    assert ran.code == 0, ran.said
    [call] = ran.calls("bulkhead rollback")
    assert call.rstrip() == f"rollback: bulkhead {words}"
    assert not ran.calls("curl"), "it needs nothing of AWS"


# --- the validation of staging

STARTED_BY: dict[str, Any] = {
    "id": 42,
    "conclusion": "success",
    "event": "push",
    "head_branch": "develop",
    "head_sha": "1" * 40,
    "head_repository": {"full_name": "harbor-inc/harbor"},
    "actor": {"login": "deployer"},
}
DELIVERED = """
case "$*" in
  */artifacts*) printf 'build\\ndelivered-staging\\n' ;;
  *pulls*) echo 7 ;;
esac"""
VALIDATES = """
while [ $# -gt 0 ]; do
  case "$1" in --report) echo '{"tree": "7ree"}' > "$2" ;; --summary) echo passed > "$2" ;; esac
  shift
done
"""


def validated(act: Act, **changes: Any) -> Ran:
    run = {**STARTED_BY, "head_sha": act.commit("develop"), **changes}
    payload = {"workflow_run": run, "repository": {"full_name": "harbor-inc/harbor", "default_branch": "main"}}
    return act.run("staging-validation", "workflow_run", payload)


def delivered(act: Act, gh: str = DELIVERED, validate: str = VALIDATES) -> None:
    act.artifact("build", provenance_json="{}")
    act.artifact("delivered-staging", provenance_json="{}")
    act.has("gh", gh)
    act.has("jq", "case $* in *.tree*) echo 7ree ;; *) cat > /dev/null; printf identity-of-the-run ;; esac")
    act.has("bulkhead", f'case "$1 $2" in "validate staging") {validate} ;; esac')


def test_staging_is_validated_and_everybody_who_waits_for_it_is_told(act: Act) -> None:
    delivered(act)
    ran = validated(act)
    assert ran.code == 0, ran.said
    [call] = ran.calls("bulkhead validate")
    assert "--keep s3://harbor-staging-state-444455556666" in call
    assert "--by deployer" in call
    assert ran.calls("gh api", "/statuses/", "--field state=success")
    assert ran.calls("gh api", "--method POST", "/issues ", "title=Validate staging by hand: tree 7ree")
    assert ran.calls("gh api", "--method POST", "/issues/7/comments")
    checklist = (act.folder / "artifacts" / "validation" / "checklist.md").read_text()
    assert checklist.lstrip().startswith("Production is deployed from this tree")


def test_a_validation_that_did_not_pass_is_told_and_opens_no_checklist(act: Act) -> None:
    delivered(act, validate=f"{VALIDATES} exit 1")
    ran = validated(act)
    assert ran.code != 0
    assert ran.calls("gh api", "/statuses/", "--field state=failure")
    assert ran.calls("gh api", "--method POST", "/issues/7/comments")
    assert not ran.calls("title=Validate")


def test_a_checklist_that_is_there_is_not_opened_again(act: Act) -> None:
    delivered(act, gh=f'{DELIVERED}\n[[ "$*" != *issues?state* ]] || echo 12')
    ran = validated(act)
    assert ran.code == 0, ran.said
    assert not ran.calls("title=Validate")


@pytest.mark.parametrize(
    "changes",
    [
        {"conclusion": "failure"},
        {"event": "pull_request"},
        {"head_repository": {"full_name": "somebody/harbor"}},
    ],
    ids=["did not succeed", "of a pull request", "of a fork"],
)
def test_what_no_deployment_of_our_own_has_started_reaches_nothing(act: Act, changes: dict[str, Any]) -> None:
    delivered(act)
    ran = validated(act, **changes)
    assert list(ran.asked) == []


def test_a_deployment_of_another_stage_is_not_validated(act: Act) -> None:
    delivered(act, gh="echo delivered-production")
    ran = validated(act)
    assert ran.code == 0, ran.said
    assert not ran.calls("bulkhead")
    assert not ran.calls("/statuses/")
