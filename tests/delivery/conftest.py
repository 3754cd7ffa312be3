from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api
from tests.support.migrations import Migrations
from tests.support.sqlite_stage import SqliteStage


@pytest.fixture
def migrations(tmp_path: Path) -> Iterator[Migrations]:
    stage = SqliteStage(tmp_path)
    api = open_api(tmp_path, stage=lambda _environment: stage)
    made = api.result("POST", f"/accounts/{ACCOUNT}/d1/database", {"name": "main"})
    (tmp_path / "migrations").mkdir()
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as rest:
        yield Migrations(api, stage, D1(rest, ACCOUNT, made["uuid"], "main"), tmp_path / "migrations")
    api.journal.close()
    api.resources.store.close()
