"""What a deployment from a checkout knows before it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bulkhead.delivery.desk import Desk
from bulkhead.delivery.migrations.run import apply, planned
from bulkhead.model.naming import Kind
from infra.product import PRODUCT
from tests.support.cloudflare_api import ACCOUNT
from tests.support.migrations import Migrations
from tests.support.settings_fixture import make_settings

SETTINGS = make_settings("staging", {"cloudflare": {"accountId": ACCOUNT}})


def desk_at(root: Path, migrations: Migrations) -> Desk:
    nobody: Any = None
    return Desk(root, SETTINGS, PRODUCT, nobody, migrations.database.api, *[nobody] * 5, lambda _: None)


def test_the_migrations_of_a_database_that_is_not_there_yet_are_part_of_the_plan(
    migrations: Migrations, tmp_path: Path
) -> None:
    """The `up` makes it, and then applies nothing that the plan has not shown: a first deployment could never end."""
    folder = tmp_path / "worker/migrations/main"
    folder.mkdir(parents=True)
    (folder / "0001_members.sql").write_text("CREATE TABLE members (id INTEGER PRIMARY KEY, nick TEXT);")
    (folder / "0002_nick.sql").write_text("ALTER TABLE members DROP COLUMN nick;")
    desk = desk_at(tmp_path, migrations)
    ((found, plan),) = desk.migrations()
    assert [(found.file(each.migration), *each.kinds) for each in plan.pending] == [
        ("worker/migrations/main/0001_members.sql", "expand"),
        ("worker/migrations/main/0002_nick.sql", "expand"),
    ]
    name = SETTINGS.label(PRODUCT.name).name(Kind.D1, "main")
    migrations.api.result("POST", f"/accounts/{ACCOUNT}/d1/database", {"name": name})
    ((_, there),) = desk.databases()
    now = planned(there, found.migrations, found.path, "")
    assert [each.migration for each in now.pending] == [each.migration for each in plan.pending]
    apply(there, now)
    assert desk.migrations()[0][1].pending == ()
