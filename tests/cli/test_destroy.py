"""`bulkhead destroy`: never production, never by accident, never in silence, and never without a way to go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.stub import Stubber

import cli.destroy
from cli.console import Console
from cli.main import main
from infra.faults import Fault, Refused
from operations import clouds
from operations.stack import Stack
from tests.support.fake_pulumi import FakePulumi
from tests.support.s3 import InProcessS3, in_process_s3
from tests.support.settings_fixture import make_settings
from tests.support.stages import rendered_stage
from tests.support.state import state_of

REPOSITORY = Path(__file__).resolve().parents[2]
TRANSCRIPTS = "harbor-staging-r2-transcripts"
VAULT = "harbor-staging-vault-222222222222"
VAULT_LOG = "harbor-staging-vault-log-222222222222"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def shared() -> Iterator[InProcessS3]:
    with in_process_s3() as s3:
        yield s3


@pytest.fixture
def state() -> list[dict[str, Any]]:
    return state_of(rendered_stage("first", "staging"), "staging")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the files of staging, of production and of a pull request."""
    monkeypatch.setattr(cli.destroy, "ROOT", tmp_path)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    for stack in ("staging", "production", "pr-42"):
        settings = make_settings(stack).model_dump(mode="json", by_alias=True, exclude={"environment"})
        settings["aws"].pop("profile")
        config = {f"bulkhead:{key}": value for key, value in settings.items()}
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))
    return tmp_path


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; return its exit code and both outputs."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["destroy", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def standing(
    pulumi: FakePulumi, state: list[dict[str, Any]], shared: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> InProcessS3:
    """Staging stands, with two transcripts and a backup in it."""
    s3 = shared.emptied()
    monkeypatch.setattr(clouds, "r2", lambda account, token, cloudflare: s3)
    monkeypatch.setattr(clouds, "aws", lambda settings, profile: lambda service: s3)
    pulumi.holds(state)
    shared.bucket(TRANSCRIPTS, "a", "b")
    shared.bucket(VAULT, "backup")
    shared.bucket(VAULT_LOG)
    return shared


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Let somebody sit at the terminal who types the given word; return the questions."""

    def answering(word: str) -> list[str]:
        questions: list[str] = []

        def ask(self: Console, question: str) -> str:
            questions.append(question)
            return word

        monkeypatch.setattr(Console, "interactive", property(lambda self: True))
        monkeypatch.setattr(Console, "ask", ask)
        return questions

    return answering


def _objects(s3: InProcessS3) -> dict[str, int]:
    return {name: s3.client.list_objects_v2(Bucket=name)["KeyCount"] for name in (TRANSCRIPTS, VAULT, VAULT_LOG)}


UNTOUCHED = {TRANSCRIPTS: 2, VAULT: 1, VAULT_LOG: 0}


@pytest.mark.parametrize("options", [[], ["--yes", "production"], ["--yes", "production", "--json"]])
def test_production_is_refused_whatever_is_said(run: Run, pulumi: FakePulumi, options: Sequence[str]) -> None:
    code, _, err = run("production", *options)
    assert code == 1
    assert "production: is never destroyed by a command" in err
    assert pulumi.asked == []


@pytest.mark.parametrize("stack", ["Production", "prod", "harbor/production", "acme/harbor/production", "pr-0", "test"])
def test_what_is_no_stage_is_refused(run: Run, pulumi: FakePulumi, stack: str) -> None:
    code, _, err = run(stack, "--yes", stack)
    assert code == 1
    assert f"{stack}: is no stage" in err
    assert pulumi.asked == []


def test_a_pull_requests_stack_whose_file_says_production_is_refused(run: Run, root: Path, pulumi: FakePulumi) -> None:
    file = root / "Pulumi.pr-42.yaml"
    file.write_text(file.read_text().replace("bulkhead:stage: development", "bulkhead:stage: production"))
    code, _, err = run("pr-42", "--yes", "pr-42")
    assert code == 1
    assert "stack pr-42 is of stage development" in err
    assert pulumi.asked == []


def test_a_stage_without_a_file_is_refused(run: Run, pulumi: FakePulumi) -> None:
    code, _, err = run("development", "--yes", "development")
    assert code == 1
    assert "Pulumi.development.yaml" in err
    assert pulumi.asked == []


def test_a_yes_for_another_stage_is_refused(run: Run, pulumi: FakePulumi) -> None:
    code, _, err = run("staging", "--yes", "development")
    assert code == 1
    assert "confirms 'development', but this would destroy 'staging'" in err
    assert pulumi.asked == []


def test_nobody_there_and_no_yes_is_refused_with_what_would_be_lost(
    run: Run, pulumi: FakePulumi, standing: InProcessS3
) -> None:
    code, _, err = run("staging")
    assert code == 1
    assert f"R2 bucket {TRANSCRIPTS}: 2 objects" in err
    assert "fix: --yes staging" in err
    assert _objects(standing) == UNTOUCHED
    assert not any("destroy" in asked for asked in pulumi.asked)


def test_a_person_is_shown_the_losses_and_types_the_stage(
    run: Run, standing: InProcessS3, state: list[dict[str, Any]], person: Callable[[str], list[str]]
) -> None:
    questions = person("staging")
    code, out, err = run("staging")
    assert (code, err) == (0, "")
    assert questions == ["Type staging to go on: "]
    resources = sum(bool(one.get("custom")) and not one["type"].startswith("pulumi:") for one in state)
    for loss in (
        f"  - all {resources} resources of the stack",
        "  - D1 database harbor-staging-d1-main, with every table",
        f"  - R2 bucket {TRANSCRIPTS}: 2 objects",
        f"  - S3 bucket {VAULT} of the backups: 1 object",
        "and the answers at staging.harbor.example",
    ):
        assert loss in out
    assert out.index("This destroys, in staging:") < out.index("- destroying") < out.index("staging is destroyed.")
    assert _objects(standing) == dict.fromkeys(UNTOUCHED, 0)


def test_another_word_changes_nothing(run: Run, pulumi: FakePulumi, standing: InProcessS3, person: Any) -> None:
    person("yes")
    code, _, err = run("staging")
    assert code == 1
    assert "Nothing was done" in err
    assert _objects(standing) == UNTOUCHED
    assert not any("destroy" in asked for asked in pulumi.asked)


@pytest.mark.usefixtures("standing")
def test_a_program_gets_one_document(run: Run) -> None:
    code, out, _ = run("staging", "--yes", "staging", "--json")
    document = json.loads(out)
    assert code == 0
    assert document.pop("lost")[0].endswith("resources of the stack")
    gone = {"versions": 0, "delete_markers": 0, "uploads": 0}
    assert document == {
        "stage": "staging",
        "destroyed": True,
        "emptied": {TRANSCRIPTS: {**gone, "versions": 2}, VAULT: {**gone, "versions": 1}, VAULT_LOG: gone},
        "next": ["pulumi up -s staging"],
    }


def test_a_refusal_is_one_document_too(run: Run, standing: InProcessS3) -> None:
    code, out, _ = run("staging", "--json")
    assert code == 1
    assert json.loads(out)["faults"][0]["fix"] == "--yes staging"
    assert _objects(standing) == UNTOUCHED


def test_an_empty_stack_is_nothing_to_destroy(run: Run, pulumi: FakePulumi) -> None:
    code, out, err = run("pr-42", "--yes", "pr-42")
    assert (code, err) == (0, "")
    assert "There is nothing to destroy: the stack pr-42 is empty." in out
    assert pulumi.asked == ["--non-interactive --color never stack export --stack pr-42"]
    document = json.loads(run("pr-42", "--json")[1])
    assert document["destroyed"] is False
    assert document["next"] == ["pulumi stack rm pr-42", "rm Pulumi.pr-42.yaml"]


def test_what_was_cut_off_while_it_was_made_is_named(run: Run, pulumi: FakePulumi) -> None:
    pulumi.holds([], [{"type": "creating", "resource": {"urn": "urn:the-bucket"}}])
    code, _, err = run("staging", "--yes", "staging")
    assert code == 0
    assert "cut off while it made urn:the-bucket" in err


def test_a_stage_that_never_came_up_whole_is_emptied_and_destroyed(
    run: Run, pulumi: FakePulumi, standing: InProcessS3, state: list[dict[str, Any]]
) -> None:
    pulumi.holds([one for one in state if one["type"] == "cloudflare:index/r2Bucket:R2Bucket"])
    code, out, err = run("staging", "--yes", "staging")
    assert (code, err) == (0, "")
    assert "staging is destroyed." in out
    assert _objects(standing) == {**UNTOUCHED, TRANSCRIPTS: 0}


def test_what_is_protected_is_refused_while_the_buckets_are_full(
    run: Run, pulumi: FakePulumi, standing: InProcessS3, state: list[dict[str, Any]]
) -> None:
    pulumi.holds([{**one, "protect": True} for one in state])
    code, _, err = run("staging", "--yes", "staging")
    assert code == 1
    assert "pulumi state unprotect" in err
    assert _objects(standing) == UNTOUCHED


def test_an_engine_that_fails_leaves_a_way_to_go_on(
    run: Run, pulumi: FakePulumi, standing: InProcessS3, state: list[dict[str, Any]]
) -> None:
    left = [one for one in state if one["type"] == "cloudflare:index/r2Bucket:R2Bucket"]
    deployment = {"version": 3, "deployment": {"resources": left}}
    (pulumi.folder / "left.json").write_text(json.dumps(deployment))
    pulumi.destroys("cp left.json state.json; echo 'error: the bucket is not empty' >&2; exit 255")
    code, out, err = run("staging", "--yes", "staging", "--profile", "harbor")
    assert code == 1
    assert "staging is not destroyed yet." in err
    assert "error: the bucket is not empty" in err
    assert f"what was in {TRANSCRIPTS} (2 versions, 0 delete markers, 0 unfinished uploads)" in err
    resources = sum(bool(one.get("custom")) and not one["type"].startswith("pulumi:") for one in state)
    assert f"{resources - 1} of {resources} resources" in err
    assert "fix: bulkhead destroy staging --profile harbor" in err
    assert "staging is destroyed." not in out
    pulumi.destroys("cp empty.json state.json")
    code, out, _ = run("staging", "--yes", "staging")
    assert code == 0
    assert "staging is destroyed." in out


def test_a_service_that_keeps_something_back_ends_it_before_the_engine_begins(
    run: Run, pulumi: FakePulumi, standing: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: Any, **__: Any) -> None:
        raise Refused("still holds 1 keys", [Fault("s3://vault/backup", "AccessDenied", "wait")])

    monkeypatch.setattr("operations.destroy.empty_bucket", held)
    code, _, err = run("staging", "--yes", "staging")
    assert code == 1
    assert "staging is not destroyed yet. still holds 1 keys" in err
    assert "Gone already: 0 of" in err
    assert not any("destroy" in asked for asked in pulumi.asked)


def test_a_bucket_that_may_not_be_counted_is_said_plainly(run: Run, standing: InProcessS3) -> None:
    with Stubber(standing.client) as stubber:
        stubber.add_client_error("list_objects_v2", "AccessDenied", "not with this token")
        code, _, err = run("staging", "--yes", "staging")
    assert code == 1
    assert "refused while counting" in err
    assert "AccessDenied: not with this token" in err
    assert _objects(standing) == UNTOUCHED


def test_an_interruption_says_what_is_gone_and_how_to_go_on(
    run: Run, pulumi: FakePulumi, standing: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Stack, say: Any) -> None:
        pulumi.holds([])
        raise KeyboardInterrupt

    monkeypatch.setattr(Stack, "destroy", interrupted)
    code, out, err = run("staging", "--yes", "staging")
    assert code == 130
    assert "staging is not destroyed yet. Gone already: what was in harbor-staging-r2-transcripts (2 versions" in out
    assert "go on with: bulkhead destroy staging\n" in out
    assert err == "Interrupted.\n"


def test_an_interruption_before_anything_is_gone_claims_nothing(
    run: Run, standing: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Console, "confirm", interrupted)
    code, out, _ = run("staging")
    assert (code, out) == (130, "")
    assert _objects(standing) == UNTOUCHED


def test_without_the_cli_it_says_what_to_install(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = run("staging", "--yes", "staging")
    assert code == 1
    assert "pulumi: is not on PATH" in err


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("how", ["destroy.sh", "fails-config", "fails-stack"])
def test_no_secret_is_ever_echoed(run: Run, pulumi: FakePulumi, how: str) -> None:
    (pulumi.folder / how).write_text("echo failed; exit 255\n")
    for options in ([], ["--json"]):
        code, out, err = run("staging", "--yes", "staging", *options)
        assert code == 1
        assert pulumi.secret not in out + err
    assert not any(pulumi.secret in asked for asked in pulumi.asked)


@pytest.mark.slow
def test_a_real_ctrl_c_waits_for_the_engines_step(root: Path, pulumi: FakePulumi, state: list[dict[str, Any]]) -> None:
    """With only a database in the stage no cloud is asked, so the whole command can run as its own process."""
    pulumi.holds([one for one in state if one["type"] == "cloudflare:index/d1Database:D1Database"])
    step = "cp empty.json state.json; echo stopped; kill $!; exit 255"
    pulumi.destroys(f"trap '{step}' INT; sleep 20 >/dev/null 2>&1 & touch begun; wait")
    code = "import sys, pathlib, cli.destroy; cli.destroy.ROOT = pathlib.Path(sys.argv.pop(1)); "
    code += "from cli.main import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(root), "destroy", "staging", "--yes", "staging"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 20
        while not (pulumi.folder / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped" in out
    assert "staging is not destroyed yet. Gone already: 1 of 1 resources." in out
    assert err == "Interrupted.\n"
