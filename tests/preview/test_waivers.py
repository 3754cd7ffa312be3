"""Waivers: they count from the base branch alone, for one resource, one loss, one stage, and not for long."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bulkhead.model.naming import Stage
from bulkhead.preview import waivers
from bulkhead.preview.losses.loss import Loss
from bulkhead.resources import types as t
from tests.preview.made import Preview

TODAY = date(2026, 11, 21)
ENTRY = {
    "resource": "d1-main",
    "loss": "deleted",
    "stage": "production",
    "reason": "it was copied",
    "until": '"2026-12-01"',
    "approvedBy": '"@harbor-inc/platform"',
}
Git = Callable[..., None]


def written(*entries: dict[str, str]) -> str:
    lines = ["waivers:"]
    for entry in entries:
        lines += [f"  {'- ' if n == 0 else '  '}{key}: {value}" for n, (key, value) in enumerate(entry.items())]
    return "\n".join(lines) + "\n"


def parsed(*entries: dict[str, str], stage: Stage = Stage.PRODUCTION) -> waivers.Waivers:
    return waivers.parse(written(*entries), "origin/main", stage, TODAY)


def deletions(*names: str) -> list[Loss]:
    preview = Preview()
    for name in names:
        preview.delete(t.D1_DATABASE, name, {"name": name})
    return preview.losses


URN = "urn:pulumi:production::bulkhead::cloudflare:index/d1Database:D1Database::d1-main"


@pytest.mark.parametrize("resource", ["d1-main", "D1Database d1-main", f"{t.D1_DATABASE} d1-main", URN])
def test_a_waiver_covers_the_loss_it_names(resource: str) -> None:
    agreed = parsed({**ENTRY, "resource": f'"{resource}"'})
    covered, notes = agreed.covering(deletions("d1-main", "d1-other"))
    assert list(covered) == [0]
    assert (covered[0].approved_by, covered[0].until) == ("@harbor-inc/platform", date(2026, 12, 1))
    assert notes == []


@pytest.mark.parametrize(
    "changes",
    [{"resource": "d1-mai"}, {"resource": "'d1-*'"}, {"resource": "D1-MAIN"}, {"loss": "replaced"}],
)
def test_a_waiver_for_something_else_covers_nothing_and_is_named(changes: dict[str, str]) -> None:
    covered, notes = parsed({**ENTRY, **changes}).covering(deletions("d1-main"))
    assert covered == {}
    assert "line 2" in notes[0]
    assert "covers nothing here" in notes[0]


def test_a_waiver_for_another_stage_is_none_here() -> None:
    assert parsed({**ENTRY, "stage": "staging"}).waivers == ()
    assert len(parsed({**ENTRY, "stage": "staging"}, stage=Stage.STAGING).waivers) == 1


def test_a_name_that_two_resources_have_covers_neither() -> None:
    losses = [*deletions("main"), *Preview().delete(t.R2_BUCKET, "main", {"name": "main"}).losses]
    covered, notes = parsed({**ENTRY, "resource": "main"}).covering(losses)
    assert covered == {}
    assert "2 resources are called so" in notes[0]


def test_a_name_counts_among_all_resources_not_only_those_with_losses() -> None:
    """The waiver may have been meant for the other one, which loses nothing today."""
    preview = Preview().delete(t.D1_DATABASE, "main", {"name": "main"}).same(t.R2_BUCKET, "main", {"name": "main"})
    plan = preview.plan
    covered, notes = parsed({**ENTRY, "resource": "main"}).covering(preview.losses, plan.changes)
    assert covered == {}
    assert "2 resources are called so" in notes[0]
    covered, _ = parsed({**ENTRY, "resource": '"D1Database main"'}).covering(preview.losses, plan.changes)
    assert list(covered) == [0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": '"2026-11-20"'}, "it ended on 2026-11-20"),
        ({"until": '"2026-12-22"'}, "more than 30 days from today"),
        ({"until": '"soon"'}, "is no date"),
        ({"until": '"20261201"'}, "is no date"),
        ({"until": '"2026-W48-2"'}, "is no date"),
        ({"until": '"2026-11-20"'}, "midnight in UTC"),
        ({"until": "2026-12-01"}, "that may be read as a date: quote it"),
        ({"loss": "delete"}, "'delete' is no kind of loss; they are class-deleted"),
        ({"stage": "development"}, "'development' is no stage that needs one"),
        ({"stage": "prod"}, "'prod' is no stage"),
        ({"reason": "''"}, "has no text as reason"),
        ({"approvedBy": "[a, b]"}, "has no text as approvedBy"),
        ({"approvedBy": "42"}, "has no text as approvedBy: quote it"),
        ({"aprovedBy": "me"}, "has a field 'aprovedBy', which there is not; did you mean approvedBy?"),
    ],
)
def test_a_waiver_that_is_not_right_does_not_count_and_is_told(changes: dict[str, str], message: str) -> None:
    agreed = parsed({**ENTRY, **changes}, ENTRY)
    assert len(agreed.waivers) == 1
    [note] = [note for note in agreed.notes if "line 2," in note]
    assert "does not count" in note
    assert message in note


@pytest.mark.parametrize("until", ["2026-11-21", "2026-12-21"])
def test_its_last_day_and_the_longest_term_still_count(until: str) -> None:
    assert len(parsed({**ENTRY, "until": f'"{until}"'}).waivers) == 1


@pytest.mark.parametrize("field", ENTRY)
def test_every_field_is_needed(field: str) -> None:
    agreed = parsed({key: value for key, value in ENTRY.items() if key != field})
    assert agreed.waivers == ()
    assert f"does not say {field}" in agreed.notes[0]


@pytest.mark.parametrize(
    "text",
    ["", "waivers", "- a", "waivers: yes", "waivers: {}", "waiver: []", "waivers: []\nmore: 1", "a: [", "waivers:"],
)
def test_what_is_no_list_of_waivers_waives_nothing(text: str) -> None:
    agreed = waivers.parse(text, "origin/main", Stage.PRODUCTION, TODAY)
    assert agreed.waivers == ()
    assert "cannot be read, so no waiver counts" in agreed.notes[0]


@pytest.mark.parametrize("entry", ["just text", "[1]", "{a: {b: c}}"])
def test_what_is_no_entry_is_told_with_its_line(entry: str) -> None:
    agreed = waivers.parse(f"waivers:\n  - {entry}\n", "origin/main", Stage.PRODUCTION, TODAY)
    assert agreed.waivers == ()
    assert "line 2, does not count" in agreed.notes[0]


# --- where they are read


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def git(*arguments: str, on: str = "2026-11-20") -> None:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid"]
        dates = {"GIT_COMMITTER_DATE": f"{on}T12:00:00Z", "GIT_AUTHOR_DATE": "2026-12-01T12:00:00Z"}
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, env=os.environ | dates)

    git("init", "--quiet", "--initial-branch=main")
    return git


def write(checkout: Path, *entries: dict[str, str]) -> None:
    file = checkout / waivers.PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written(*entries) if entries else "waivers: []\n")


def test_only_what_the_base_branch_says_counts(tmp_path: Path, git: Git) -> None:
    write(tmp_path, ENTRY)
    git("add", ".")
    git("commit", "--quiet", "-m", "agreed")
    git("checkout", "--quiet", "-b", "change")
    write(tmp_path, {**ENTRY, "resource": "something-else"}, {**ENTRY, "resource": "and-more"})
    git("commit", "--quiet", "-am", "a waiver of one's own")
    found = waivers.from_base(tmp_path, "main", Stage.PRODUCTION, TODAY)
    assert [waiver.resource for waiver in found.waivers] == ["d1-main"]
    assert found.base == "main"


@pytest.mark.parametrize(("came", "counts"), [("2026-11-01", True), ("2026-10-31", False), ("2026-08-01", False)])
def test_a_waiver_is_not_written_months_ahead(tmp_path: Path, git: Git, came: str, counts: bool) -> None:
    write(tmp_path, {**ENTRY, "resource": "another"})
    git("add", ".")
    git("commit", "--quiet", "-m", "an old one", on="2026-01-01")
    write(tmp_path, {**ENTRY, "resource": "another"}, ENTRY)
    git("commit", "--quiet", "-am", "agreed", on=came)
    found = waivers.from_base(tmp_path, "main", Stage.PRODUCTION, TODAY)
    assert [waiver.resource for waiver in found.waivers] == (["d1-main"] if counts else [])
    assert any("more than 30 days after it came in, on 2026-01-01" in note for note in found.notes)
    write(tmp_path, {**ENTRY, "resource": "another"}, {**ENTRY, "until": '"2026-12-02"'})
    git("commit", "--quiet", "-am", "renewed", on="2026-11-19")
    assert len(waivers.from_base(tmp_path, "main", Stage.PRODUCTION, TODAY).waivers) == 1


def test_where_history_is_cut_off_no_waiver_counts_and_it_says_so(tmp_path: Path, git: Git) -> None:
    write(tmp_path, ENTRY)
    git("add", ".")
    git("commit", "--quiet", "-m", "agreed")
    git("commit", "--quiet", "--allow-empty", "-m", "later")
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", f"file://{tmp_path}", str(shallow))
    found = waivers.from_base(shallow, "main", Stage.PRODUCTION, TODAY)
    assert found.waivers == ()
    assert "git fetch --unshallow" in found.notes[0]


def test_a_waiver_in_the_work_tree_alone_does_not_count(tmp_path: Path, git: Git) -> None:
    write(tmp_path)
    git("add", ".")
    git("commit", "--quiet", "-m", "none")
    write(tmp_path, ENTRY)
    assert waivers.from_base(tmp_path, "main", Stage.PRODUCTION, TODAY) == waivers.Waivers("main")


@pytest.mark.parametrize("base", ["origin/main", "refs/remotes/origin/main"])
@pytest.mark.parametrize("fetched", [True, False])
def test_a_tag_called_like_the_base_branch_brings_no_waivers(
    tmp_path: Path, git: Git, base: str, fetched: bool
) -> None:
    write(tmp_path)
    git("add", ".")
    git("commit", "--quiet", "-m", "none")
    if fetched:
        git("update-ref", "refs/remotes/origin/main", "HEAD")
    write(tmp_path, ENTRY)
    git("commit", "--quiet", "-am", "a waiver of one's own")
    git("tag", "origin/main")
    git("tag", "-f", "main", "HEAD~1")
    found = waivers.from_base(tmp_path, base, Stage.PRODUCTION, TODAY)
    assert found.waivers == ()
    assert found.base == "origin/main"
    fix = "git fetch origin refs/heads/main:refs/remotes/origin/main"
    assert [fix in note for note in found.notes] == ([] if fetched else [True])
    assert len(waivers.from_base(tmp_path, "main", Stage.PRODUCTION, TODAY).waivers) == 1  # the branch, not the tag


@pytest.mark.parametrize("base", ["origin/main", "--upload-pack=x", "", "main:docs"])
def test_without_the_base_no_waiver_counts_and_it_says_so(tmp_path: Path, git: Git, base: str) -> None:
    write(tmp_path, ENTRY)
    git("add", ".")
    git("commit", "--quiet", "-m", "agreed")
    found = waivers.from_base(tmp_path, base, Stage.PRODUCTION, TODAY)
    assert found.waivers == ()
    assert "so no waiver counts" in found.notes[0]


def test_a_base_without_the_file_and_a_folder_without_git_say_so(tmp_path: Path, git: Git) -> None:
    git("commit", "--quiet", "--allow-empty", "-m", "empty")
    assert "has no docs/ops/waivers.yaml" in waivers.from_base(tmp_path, "main", Stage.PRODUCTION, TODAY).notes[0]
    elsewhere = tmp_path / ".git" / "hooks"
    assert waivers.from_base(elsewhere, "nothing", Stage.PRODUCTION, TODAY).waivers == ()


def test_a_waiver_for_a_migration_is_no_concern_of_a_preview() -> None:
    file = "worker/migrations/main/0002_b.sql"
    found = parsed({**ENTRY, "resource": file, "loss": "contract"})
    assert found.covering(deletions("main")) == ({}, [])
    assert found.of_migration(file) == found.waivers[0]
    assert found.of_migration("worker/migrations/main/0003_c.sql") is None
    assert parsed({**ENTRY, "resource": file}).of_migration(file) is None
