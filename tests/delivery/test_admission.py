"""Production begins a release that staging has passed, or one of which somebody says why not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.delivery import admission
from bulkhead.delivery.admission import Papers
from bulkhead.delivery.build import checked_out
from bulkhead.delivery.migrations.files import read
from bulkhead.delivery.migrations.stage import Folder
from bulkhead.delivery.validate import checksums
from bulkhead.delivery.validation import ITEMS, Check, Record
from bulkhead.model.bundles import Bundle
from bulkhead.model.faults import Refused
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings

PRODUCTION = make_settings("production")
Admitted = Callable[..., dict[str, str]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit with one migration, and what was built from it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "0001_first.sql").write_text("CREATE TABLE members (id INTEGER PRIMARY KEY);")
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init"], ["add", "."], [*who, "commit", "--message", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    monkeypatch.setattr(
        "bulkhead.model.bundles.read_bundles", lambda *_: {"web": Bundle("worker/dist/web.js", "a" * 64)}
    )
    monkeypatch.setattr(admission, "folders", lambda *_: [Folder("main", "main", "", read(folder))])
    return folder


@pytest.fixture
def record(checkout: Path) -> Record:
    """What staging says of the checkout as it is, built and with its migrations."""
    source, folder = checked_out(checkout), Folder("main", "main", "", read(checkout))
    checks = [Check(item, "one", True, "") for item in ITEMS]  # type: ignore[arg-type]
    bundles = {"web": "a" * 64}
    return Record(source.commit, source.tree, bundles, checksums([folder]), checks, "2026-11-30T12:00:00Z", "deployer")


@pytest.fixture
def admitted(checkout: Path, tmp_path: Path) -> Admitted:
    def call(record: Record, **issue: Any) -> dict[str, str]:
        closed = {
            "number": 12,
            "title": f"Validate staging by hand: tree {record.tree}",
            "user": {"login": "github-actions[bot]"},
            "state": "closed",
            "state_reason": "completed",
            "closed_by": {"login": "tester"},
            "body": "- [x] one",
        }
        files = tmp_path / "validation.json", tmp_path / "checklist.json"
        files[0].write_text(record.as_json())
        files[1].write_text(json.dumps(closed | issue))
        return Papers(*files).judged(checkout, SECOND_PRODUCT, PRODUCTION)

    return call


def refusal(papers: Papers, checkout: Path, stage: str = "production") -> str:
    with pytest.raises(Refused) as refused:
        papers.judged(checkout, SECOND_PRODUCT, make_settings(stage))
    return str(refused.value)


def test_what_staging_passed_and_people_confirmed_goes_on(record: Record, admitted: Admitted) -> None:
    assert admitted(record) == {"validated": f"tree {record.tree}, in staging, 2026-11-30T12:00:00Z"}


def test_what_did_not_pass_is_told_everything_at_once(record: Record, admitted: Admitted) -> None:
    with pytest.raises(Refused, match="Staging has not let this go to production") as refused:
        admitted(replace(record, bundles={"web": "0" * 64}, checks=[]), state="open")
    assert len(refused.value.faults) == 1 + len(ITEMS) + 1


def test_a_migration_that_staging_applied_in_another_form_does_not_reach_production(
    checkout: Path, record: Record, admitted: Admitted
) -> None:
    other = replace(record, migrations={"main": {"0001_first.sql": "0" * 64}})
    for found in (other, replace(record, migrations={})):
        with pytest.raises(Refused, match=r"0001_first\.sql is not what staging applied"):
            admitted(found)


def test_a_file_that_was_changed_since_the_commit_is_no_part_of_it(
    checkout: Path, record: Record, admitted: Admitted
) -> None:
    (checkout / "0001_first.sql").write_text("DROP TABLE members;")
    with pytest.raises(Refused, match="The checkout is not its commit"):
        admitted(record)


def test_who_deployed_staging_does_not_confirm_it_alone_in_a_team(record: Record, admitted: Admitted) -> None:
    assert PRODUCTION.governance.profile == "team"
    with pytest.raises(Refused, match="who deployed it"):
        admitted(record, closed_by={"login": "deployer"})


@pytest.mark.parametrize("text", ["[]", "", "no JSON"])
def test_a_checklist_that_is_no_issue_is_refused(checkout: Path, record: Record, tmp_path: Path, text: str) -> None:
    validation, checklist = tmp_path / "validation.json", tmp_path / "list.json"
    validation.write_text(record.as_json())
    checklist.write_text(text)
    assert "is no issue" in refusal(Papers(validation, checklist), checkout)


def test_a_file_that_is_not_there_is_no_crash(checkout: Path) -> None:
    assert "none.json: cannot be read" in refusal(Papers(Path("none.json"), Path("none.json")), checkout)


@pytest.mark.parametrize(
    ("papers", "says"),
    [
        (Papers(validation=Path("a")), "name both"),
        (Papers(checklist=Path("a")), "name both"),
        (Papers(Path("a"), Path("b"), "GitHub is away"), "leave one out"),
        (Papers(unvalidated="  ", environ={}), "is empty"),
        (Papers(unvalidated="it is late", environ={"GITHUB_ACTIONS": "true"}), "a pipeline has no reason of its own"),
    ],
)
def test_what_does_not_fit_together_is_refused(checkout: Path, papers: Papers, says: str) -> None:
    assert says in refusal(papers, checkout)


def test_only_production_asks(checkout: Path) -> None:
    papers = Papers(unvalidated="GitHub is away", environ={})
    assert "is for production" in refusal(papers, checkout, "staging")
    assert papers.judged(checkout, SECOND_PRODUCT, PRODUCTION) == {"unvalidated": "GitHub is away"}
    assert Papers().judged(checkout, SECOND_PRODUCT, make_settings("staging")) == {}
    Papers().require(make_settings("staging"))
    with pytest.raises(Refused, match="--unvalidated REASON"):
        Papers().require(PRODUCTION)
