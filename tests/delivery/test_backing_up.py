"""Before a deployment changes a database there is a copy of it in the vault, or nothing that hurts goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients.d1 import D1
from bulkhead.delivery.backing_up import backed_up
from bulkhead.delivery.journal import Journal, Outcome
from bulkhead.delivery.migrations import files
from bulkhead.delivery.migrations.stage import Folder
from bulkhead.delivery.plan import Pending
from bulkhead.model.faults import Fault, Refused
from tests.support.memory_s3 import MemoryS3
from tests.support.moving_stage import Outside, delivery, plan

FILE = "worker/migrations/main/0001_a.sql"
KEY = "database/daily/main/backup_production_main_20261130T170000Z.sql.gz"


@pytest.fixture
def databases(tmp_path: Path) -> list[tuple[Folder, D1]]:
    for name in ("main", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0001_a.sql").write_text("CREATE TABLE a (id INTEGER PRIMARY KEY);")
    api: Any = None
    return [
        (
            Folder(name, f"harbor-production-d1-{name}", f"worker/migrations/{name}", files.read(tmp_path / name)),
            D1(api, "a", name, name),
        )
        for name in ("main", "other")
    ]


def pending(*kinds: str) -> tuple[Pending, ...]:
    return (Pending(FILE, "c" * 64, kinds),)


def refused(databases: Mapping[str, D1]) -> Sequence[str]:
    raise Refused("main was not backed up.", [Fault("main", "virtual table bare: it has no content")])


def test_the_databases_that_are_changed_are_backed_up_and_no_others(databases: list[tuple[Folder, D1]]) -> None:
    asked, told = list[str](), list[str]()

    def backup(chosen: Mapping[str, D1]) -> Sequence[str]:
        asked.extend(chosen)
        return [KEY]

    assert backed_up(plan(migrations=pending("expand")), databases, backup, told.append) == [KEY]
    assert asked == ["main"]
    assert told == [f"  {KEY}"]


@pytest.mark.parametrize("kinds", [("contract",), ("expand", "data")])
def test_what_takes_something_away_waits_for_its_backup(
    kinds: tuple[str, ...], databases: list[tuple[Folder, D1]]
) -> None:
    with pytest.raises(Refused, match="was not backed up"):
        backed_up(plan(migrations=pending(*kinds)), databases, refused, print)


def test_what_only_adds_goes_on_and_says_that_there_is_no_backup(databases: list[tuple[Folder, D1]]) -> None:
    told = list[str]()
    assert backed_up(plan(migrations=pending("expand")), databases, refused, told.append) == []
    assert told == ["  not backed up: main: virtual table bare: it has no content"]


def test_a_deployment_that_cannot_back_up_stops_before_anything_is_changed(
    databases: list[tuple[Folder, D1]],
) -> None:
    client: Any = MemoryS3()
    outside = Outside(databases=lambda: databases, backup=refused)
    for _folder, there in databases:
        object.__setattr__(there, "api", Bookmarks())
    journal = Journal(client, "a-bucket", "production", patience=0.05)
    with journal.held():
        run = journal.begin({"commit": "c"})
        with pytest.raises(Refused, match="was not backed up"):
            delivery(outside, journal, run, plan(migrations=pending("contract"))).go()
    assert run.ended is Outcome.STOPPED
    assert outside.ups == []
    assert [each.step for each in run.entries() if each.step in {"bookmark", "backup", "upload"}] == [
        "bookmark",
        "backup",
    ]


class Bookmarks:
    def get(self, path: str) -> dict[str, str]:
        assert path.endswith("/time_travel/bookmark")
        return {"bookmark": "b"}
