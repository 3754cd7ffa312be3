"""`bulkhead preview`: asks Pulumi or reads a file, says what would be lost, and ends with 1 when something stops it."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.preview import waivers
from bulkhead.resources import types as t
from tests.preview.made import Preview
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.settings_fixture import write_stage_files

Run = Callable[..., tuple[int, str, str]]
SECRET = "a-token-that-nobody-may-see"
CONFIG = {
    "bulkhead:owner": {"value": "team", "secret": False},
    "secrets:githubToken": {"value": SECRET, "secret": True},
    "secrets:nested": {"value": "{}", "objectValue": {"a": ["another-secret-value"]}, "secret": True},
}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with stage files and a pack, whose base branch `main` waives nothing."""
    root = tmp_path / "checkout"
    (root / "policies").mkdir(parents=True)
    (root / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    work_in(monkeypatch, root)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    write_stage_files(root)
    (root / "Pulumi.yaml").write_text("name: bulkhead\nruntime: python\n")
    (root / "docs" / "ops").mkdir(parents=True)
    (root / waivers.PATH).write_text("waivers: []\n")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    return root


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "a state of it")


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    fake = FakePulumi(tmp_path / "pulumi")
    monkeypatch.setenv("PATH", f"{fake.bin}:/usr/bin:/bin")
    (fake.folder / "secret").write_text(json.dumps(CONFIG))
    return fake


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["preview", *arguments, "--base", "main"])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def benign() -> Preview:
    return Preview().update(t.D1_DATABASE, {"name": "n"}, {"name": "n", "readReplication": {"mode": "auto"}}, "d1-main")


def losing(stack: str = "production") -> Preview:
    return Preview(stack).delete(t.WORKERS_KV_NAMESPACE, "kv-sessions", {"title": "t"})


def test_a_change_that_loses_nothing_passes(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(benign().text, fine=True)
    code, out, err = run("production")
    assert (code, err) == (0, "")
    assert "production: nothing stops it; nothing is lost." in out
    assert ["update", "d1-main", "D1Database", "readReplication"] in [line.split() for line in out.splitlines()]


def test_pulumi_is_asked_with_the_policies_for_a_stream_and_nothing_is_in_its_arguments(
    run: Run, pulumi: FakePulumi
) -> None:
    pulumi.previews(benign().text, fine=True)
    run("production")
    asked = "--non-interactive --color never preview --json --policy-pack policies --stack production"
    assert asked in pulumi.asked
    assert pulumi.environment["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"] == "true"
    assert SECRET not in " ".join(pulumi.asked)


def test_a_loss_stops_it_and_says_what_to_do(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(losing().text, fine=True)
    code, out, _ = run("production")
    assert code == 1
    assert "deleted: WorkersKvNamespace kv-sessions: the WorkersKvNamespace is deleted, with every key in it" in out
    assert "instead: bring kv-sessions back" in out
    assert out.rstrip().endswith("production: stopped, for 1 reason.")


def test_in_development_it_is_only_shown(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(losing("pr-42").text, fine=True)
    code, out, _ = run("pr-42")
    assert code == 0
    assert "deleted: WorkersKvNamespace kv-sessions" in out


def test_a_waiver_counts_once_it_is_merged(run: Run, pulumi: FakePulumi, root: Path) -> None:
    pulumi.previews(losing().text, fine=True)
    until = "2999-01-01"
    named = "resource: kv-sessions, loss: deleted, stage: production, reason: r, approvedBy: x"
    entry = f'waivers:\n  - {{{named}, until: "{until}"}}\n'
    (root / waivers.PATH).write_text(entry)
    code, out, _ = run("production")
    assert code == 1
    assert "About waivers" not in out
    commit(root)
    code, out, _ = run("production")
    assert code == 1
    assert "more than 30 days" in out
    today = datetime.now(UTC).date().isoformat()
    (root / waivers.PATH).write_text(entry.replace(until, today))
    commit(root)
    code, out, _ = run("production")
    assert code == 0
    assert "agreed to by x until" in out


def test_a_program_gets_one_document(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(losing().text, fine=True)
    code, out, err = run("production", "--json")
    document = json.loads(out)
    assert (code, document["passes"], document["losses"][0]["kind"]) == (1, False, "deleted")
    assert "asking Pulumi" in err


def test_a_pull_request_gets_one_comment(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(losing().text, fine=True)
    code, out, err = run("production", "--markdown")
    assert code == 1
    assert out.startswith("<!-- bulkhead preview production -->\n### production: stopped")
    assert "asking Pulumi" in err


@pytest.mark.parametrize("form", [[], ["--json"], ["--markdown"]])
def test_a_secret_in_what_would_be_printed_is_told_by_its_name_only(
    run: Run, pulumi: FakePulumi, form: list[str]
) -> None:
    pulumi.previews(benign().policy("advisory", f"the token is {SECRET}").text, fine=True)
    code, out, err = run("production", *form)
    assert code == 1
    assert "githubToken" in out
    assert SECRET not in out + err
    assert "d1-main" not in out


def test_a_secret_that_the_engine_showed_stops_it_though_it_is_not_printed(run: Run, pulumi: FakePulumi) -> None:
    preview = Preview().update(t.D1_DATABASE, {"name": "n"}, {"name": "n", "x": "another-secret-value"}, "d1-main")
    pulumi.previews(preview.text, fine=True)
    code, out, _ = run("production")
    assert code == 1
    assert "secret nested.a[0] stands in line" in out
    assert "another-secret-value" not in out
    assert "d1-main" in out


@pytest.mark.parametrize("answer", ["no JSON", "[]", '{"a": 1}'])
def test_secrets_that_cannot_be_had_are_not_passed_over_in_silence(run: Run, pulumi: FakePulumi, answer: str) -> None:
    pulumi.previews(benign().text, fine=True)
    (pulumi.folder / "secret").write_text(answer)
    code, out, _ = run("production")
    assert code == 0
    assert "no secret was looked for: their values could not be had" in out


def test_a_stack_that_cannot_be_decrypted_says_so_too(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(benign().text, fine=True)
    pulumi.fails("config", "incorrect passphrase")
    assert "no secret was looked for" in run("production")[1]


def test_a_preview_that_failed_after_all_was_said_does_not_pass(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(benign().text, fine=False)
    code, out, _ = run("production")
    assert code == 1
    assert "the preview failed after it had said everything" in out


def test_a_pulumi_that_says_nothing_is_told_in_its_own_words(run: Run, pulumi: FakePulumi) -> None:
    pulumi.fails("preview", "error: no stack named 'production' found")
    code, out, err = run("production")
    assert (code, out) == (1, "production: asking Pulumi, with the policies, what an up would change ...\n")
    assert "no stack named 'production' found" in err


def test_a_stream_that_ends_early_does_not_pass(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews("\n".join(benign().lines()[:4]), fine=True)
    code, _, err = run("production")
    assert code == 1
    assert "the stream was cut off" in err


def test_an_engine_that_does_not_stream_proves_nothing(run: Run, pulumi: FakePulumi) -> None:
    pulumi.previews(benign().digest, fine=True)
    code, out, _ = run("production")
    assert code == 1
    assert "a digest does not show enough" in out


def test_a_pack_that_cannot_start_is_refused_before_pulumi_waits_for_it(
    run: Run, pulumi: FakePulumi, root: Path
) -> None:
    pack = "runtime: {name: python, options: {virtualenv: ../.venv}}\n"
    (root / "policies" / "PulumiPolicy.yaml").write_text(pack)
    code, _, err = run("production")
    assert code == 1
    assert "names a virtual environment that is not there: ../.venv" in err
    assert "fix: make install" in err
    assert pulumi.asked == []


@pytest.mark.parametrize("file", ["Pulumi.yaml", "policies/PulumiPolicy.yaml"])
def test_outside_a_project_it_says_which_file_is_missing(run: Run, pulumi: FakePulumi, root: Path, file: str) -> None:
    (root / file).unlink()
    code, _, err = run("production")
    assert code == 1
    assert f"{file}: does not exist" in err
    assert pulumi.asked == []


def test_events_may_come_from_a_file_or_from_a_pipe(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(losing().text)
    code, out, _ = run("production", "--from", str(file))
    assert code == 1
    assert "kv-sessions" in out
    assert "no secret was looked for in events of a file" in out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(benign().text.encode())))
    assert run("production", "--from", "-")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "content", "said"),
    [
        (("nowhere",), "", "is no stage"),
        (("production", "--json", "--markdown"), "", "is another form than --json"),
        (("production", "--from", "missing.jsonl"), "", "missing.jsonl: cannot be read"),
        (("production", "--from", "FILE"), "", "is empty"),
        (("production", "--from", "FILE"), b"\n\xff\xfe", "is not UTF-8: line 2"),
        (("staging", "--from", "FILE"), losing().text, "is of production, not of staging"),
    ],
)
def test_what_makes_no_sense_is_refused_without_a_traceback(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], content: str | bytes, said: str
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, _, err = run(*(str(file) if argument == "FILE" else argument for argument in arguments))
    assert code == 1
    assert said in err
    assert "Traceback" not in err


def test_without_a_base_origin_says_which_branch_it_is(
    pulumi: FakePulumi, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change may write the branch with its own waiver into its own settings."""
    waiver = "resource: kv-sessions\n    loss: deleted\n    stage: production\n    reason: copied"
    until = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()
    git(root, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    (root / waivers.PATH).write_text(f'waivers:\n  - {waiver}\n    until: "{until}"\n    approvedBy: "@me"\n')
    commit(root)
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    pulumi.previews(losing().text, fine=True)
    assert main(["preview", "production"]) == 1
    assert "git remote set-head origin --auto" in capsys.readouterr().out
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert main(["preview", "production"]) == 1
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    assert main(["preview", "production"]) == 0


def test_known_noise_that_is_malformed_is_refused(run: Run, pulumi: FakePulumi, root: Path) -> None:
    pulumi.previews(benign().text, fine=True)
    (root / "docs" / "ops" / "known-noise.yaml").write_text("noise:\n  - type: x\n")
    code, _, err = run("production")
    assert code == 1
    assert "docs/ops/known-noise.yaml" in err


def begun(name: str, operation: str = "creating") -> dict[str, Any]:
    urn = f"urn:pulumi:production::bulkhead::{t.KMS_KEY}::{name}"
    return {"type": operation, "resource": {"urn": urn, "type": t.KMS_KEY, "custom": True, "inputs": {}}}


def test_a_preview_over_what_was_begun_stops_with_the_command(run: Run, pulumi: FakePulumi, tmp_path: Path) -> None:
    pulumi.holds([], [begun("vault-key"), begun("changed", "updating")])
    pulumi.previews(benign().text, fine=True)
    file = tmp_path / "events.jsonl"
    for arguments in (["--events", str(file)], ["--from", str(file)]):
        code, out, _ = run("production", "--json", *arguments)
        [obstacle] = json.loads(out)["obstacles"]
        assert (code, obstacle["fix"]) == (1, "bulkhead settle production")
        assert "vault-key" in obstacle["why"]
        assert "changed" not in obstacle["why"]
    pulumi.previews(benign().digest, fine=True)
    code, _, err = run("production")
    assert code == 1
    assert "fix: bulkhead settle production" in err
    pulumi.holds([], [begun("changed", "updating")])
    pulumi.previews(benign().text, fine=True)
    assert run("production")[0] == 0


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "--help"]) == 0
    assert "Example: bulkhead preview production --markdown" in capsys.readouterr().out
