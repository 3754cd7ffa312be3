"""Where `bulkhead restore` runs in a test: a checkout, the accounts of all stages with a database in each, a vault."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from bulkhead.clients import clouds, d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.repeats import Patience
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.recovery.restore import opening
from jobs.vault import Backup
from tests.support.checkout import work_in
from tests.support.cloudflare_api import Api, open_api
from tests.support.d1_databases import made
from tests.support.restoring import NOW, THEN
from tests.support.settings_fixture import write_stage_files
from tests.support.sqlite_stage import SqliteStage
from tests.support.vaulted import Vaulted, VaultS3

ACCOUNTS = {"staging": ("2" * 32, "2f" * 16), "production": ("3" * 32, "3f" * 16), "development": ("1" * 32, "1f" * 16)}
MIGRATION = "0001_a.sql"
_HASTE = Patience(sleep=lambda _: None)


class _NobodyAnswers:
    """A visitor of hostnames that are not there."""

    def __init__(self, _sites: object) -> None: ...

    def __enter__(self) -> _NobodyAnswers:
        return self

    def __exit__(self, *_: object) -> None: ...

    def ask(self, *_: object, **__: object) -> None: ...


class Place:
    """The accounts of all stages, and a database in each."""

    def __init__(self, folder: Path) -> None:
        self.stage = SqliteStage(folder)
        tenants = [
            Tenant(
                name, account, {zone: "acme-hotels.com"}, "acme/harbor", {"cloudflare": {f"{name}-token": "operator"}}
            )
            for name, (account, zone) in ACCOUNTS.items()
        ]
        self.api: Api = open_api(folder, *tenants, stage=lambda _environment: self.stage)
        self.s3 = VaultS3()
        self.vaulted = Vaulted(folder, self.s3)
        self.databases = {name: self._database(name) for name in ACCOUNTS}

    def _database(self, name: str) -> D1:
        client = Rest(CLOUDFLARE, f"{name}-token", self.api.transport())
        database = d1.create(client, ACCOUNTS[name][0], f"harbor-{name}-d1-main")
        made(self.stage.d1_file(database.id), NOW)
        return database

    def nicks(self, name: str = "staging") -> list[str]:
        return [str(each[0]) for each in self.databases[name].raw("SELECT nick FROM members ORDER BY id")]

    def backup(self, stage: str = "staging") -> Backup:
        return self.vaulted.put(THEN, stage=stage, source=f"harbor/{stage}/main", migrations=(MIGRATION,))

    def moment(self, database: D1) -> str:
        """Return a moment of which the cloud knows how the database was."""
        time.sleep(1.1)  # after the second in which it was made
        database.bookmark()
        now = datetime.now(UTC)
        time.sleep(1.1)
        database.bookmark()
        return f"{now:%Y-%m-%dT%H:%M:%SZ}"

    def maintenance(self, stage: str = "staging") -> str:
        return str(json.loads(self.s3.there[f"delivery/{stage}/maintenance.json"])["state"])


@contextmanager
def a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Open it, with a checkout in which commands run, and the clouds of that place alone."""
    checkout = tmp_path / "checkout"
    (checkout / "worker/migrations/main").mkdir(parents=True)
    (checkout / "worker/migrations/main" / MIGRATION).write_text("CREATE TABLE members (id INTEGER PRIMARY KEY);")
    work_in(monkeypatch, checkout)
    write_stage_files(checkout, [*ACCOUNTS])
    found = Place(tmp_path)
    for name in ACCOUNTS:
        monkeypatch.setenv(f"TOKEN_{name.upper()}", f"{name}-token")
    monkeypatch.setattr(opening, "Rest", partial(Rest, transport=found.api.transport(), patience=_HASTE))
    monkeypatch.setattr(opening, "Visitor", _NobodyAnswers)
    monkeypatch.setattr(clouds, "aws", lambda *_: lambda _service: found.s3)
    yield found
    found.api.journal.close()
    found.api.resources.store.close()
