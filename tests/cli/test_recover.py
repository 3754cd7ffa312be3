"""`bulkhead recover`: what it says before, whose yes it takes, what it does to the checkout, and where it goes on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Fault, Refused
from bulkhead.recovery.total import opening
from jobs.folders import Tier
from jobs.vault import Backup
from tests.support.checkout import work_in
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api
from tests.support.d1_databases import packed
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import own_config, write_stage_files
from tests.support.sqlite_stage import SqliteStage

VAULT, REPLICA = "harbor-production-vault-333333333333", "harbor-production-vault-replica-333333333333"
ELSEWHERE = {
    "bulkhead:cloudflare": {"accountId": "0badc0de" * 4, "zoneId": "5afe5afe" * 4, "hostname": "acme-hotels.com"},
    "bulkhead:aws": {"accountId": "424242424242", "profile": "elsewhere"},
    "bulkhead:region": {"primary": "ap-northeast-3", "d1": "apac", "r2": "apac"},
    "bulkhead:backup": {"replicaRegion": "ap-northeast-1"},
}
YES = ("--yes", "production")


class Ground:
    """The new place, which waits for a person until the secrets are ``there``."""

    def __init__(self, database: D1) -> None:
        self.there = False
        self.steps: list[str] = []
        self._database = database

    def bootstrap(self) -> str:
        self.steps.append("state")
        return "made"

    def identities(self) -> str:
        if not self.there:
            raise Refused("The recovery waits for what no copy has.", [Fault("stage", "a person", "pulumi stack init")])
        self.steps.append("identities")
        return "there"

    def up(self, *, reachable: bool) -> str:
        self.steps.append("reachable" if reachable else "hidden")
        return "up"

    @contextmanager
    def database(self, _name: str) -> Iterator[D1]:
        self.steps.append("database")
        yield self._database

    def migrate(self, _database: D1, _name: str) -> str:
        return "as here"

    def serve(self) -> str:
        return "everybody"

    def ill(self) -> list[str]:
        return []


class Scene:
    def __init__(self, checkout: Path, s3: Any, ground: Ground, capture: pytest.CaptureFixture[str]) -> None:
        self.checkout, self.s3, self.ground, self._capture = checkout, s3, ground, capture
        self.regions: list[str | None] = []
        self.out = ""

    @property
    def file(self) -> Path:
        return self.checkout / "Pulumi.production.yaml"

    def run(self, *arguments: str) -> tuple[int, str]:
        into = str(self.checkout / "Pulumi.elsewhere.yaml")
        code = main(["recover", "production", "--into", into, "--profile", "admin", *arguments])
        self.out, errors = self._capture.readouterr()
        return code, self.out + errors

    def keep(self, bucket: str = VAULT) -> None:
        """Put a backup of half an hour ago into a bucket."""
        source = self.checkout / f"{bucket}.sqlite"
        with closing(sqlite3.connect(source, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)")
            connection.execute("INSERT INTO guests VALUES (1, 'ann')")
        content, manifest = packed(source, "harbor/production/main")
        at = (datetime.now(UTC) - timedelta(minutes=30)).replace(microsecond=0)
        backup = Backup(at, "main", "production", Tier.DAILY)
        self.s3.put_object(Bucket=bucket, Key=backup.key, Body=content)
        self.s3.put_object(Bucket=bucket, Key=backup.manifest, Body=manifest.text().encode())


@pytest.fixture
def scene(
    local_s3: InProcessS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Scene]:
    write_stage_files(tmp_path)
    elsewhere = {**own_config("production"), **ELSEWHERE}
    (tmp_path / "Pulumi.elsewhere.yaml").write_text(json.dumps({"config": elsewhere}))
    work_in(monkeypatch, tmp_path)
    s3 = local_s3.emptied()
    for bucket in (VAULT, REPLICA):
        s3.create_bucket(Bucket=bucket)
    api = open_api(tmp_path, stage=lambda _environment: SqliteStage(tmp_path))
    rest = Rest(CLOUDFLARE, TOKEN, api.transport())
    found = Scene(tmp_path, s3, Ground(d1.create(rest, ACCOUNT, "harbor-production-d1-main")), capsys)

    def aws(_settings: object, _profile: object, region: str | None = None) -> Any:
        found.regions.append(region)
        return lambda _service: s3

    @contextmanager
    def at_checkout(*_: object) -> Iterator[Ground]:
        yield found.ground

    monkeypatch.setattr("bulkhead.clients.clouds.aws", aws)
    monkeypatch.setattr(opening, "at_checkout", at_checkout)
    yield found
    rest._client.close()
    api.journal.close()
    api.resources.store.close()


def test_a_plan_says_what_comes_back_and_what_is_lost_and_changes_nothing(scene: Scene) -> None:
    scene.keep()
    before = scene.file.read_bytes()
    code, text = scene.run("--plan")
    assert code == 0
    assert "database main: 1 rows" in text
    assert "30 minutes before the loss" in " ".join(text.split())
    assert "lost: bucket transcripts" in text
    assert "no recovery is on record here" in text
    assert "up to 360 minutes would be lost" in " ".join(text.split())
    assert scene.file.read_bytes() == before
    assert not (scene.checkout / ".recovery").exists()
    assert scene.ground.steps == []


def test_it_waits_for_a_persons_secrets_and_goes_on(scene: Scene) -> None:
    scene.keep()
    lost = scene.file.read_bytes()
    code, text = scene.run(*YES)
    assert code == 3
    assert "pulumi stack init" in text
    assert scene.ground.steps == ["state"]
    assert (scene.checkout / ".recovery" / "Pulumi.production.yaml").read_bytes() == lost
    new = json.loads(scene.file.read_text())
    assert new["config"]["bulkhead:aws"]["accountId"] == "424242424242"
    scene.file.write_text(json.dumps({**new, "secretsprovider": "awskms://alias/harbor?region=ap-northeast-3"}))
    scene.ground.there = True
    code, text = scene.run(*YES)
    assert code == 0, text
    assert scene.ground.steps == ["state", "identities", "hidden", "database", "reachable"]
    assert "secretsprovider" in scene.file.read_text()  # what was written in between is kept
    assert "production serves again" in text
    scene.file.write_bytes(lost)
    assert "the last recovery took 0 minutes" in scene.run("--plan")[1]
    assert not (scene.checkout / ".recovery" / "production.json").exists()


def test_the_result_is_measured_for_a_program(scene: Scene) -> None:
    scene.keep()
    scene.ground.there = True
    assert scene.run(*YES, "--json")[0] == 0
    measured = json.loads(scene.out)
    assert measured["rpo_minutes"] == pytest.approx(30, abs=2)
    assert [each["step"] for each in measured["steps"]][:2] == ["state", "identities"]


def test_the_copy_in_the_other_region_is_read_on_request(scene: Scene) -> None:
    scene.keep(REPLICA)
    assert scene.run("--plan")[0] == 1  # the vault itself has nothing
    code, text = scene.run("--plan", "--replica")
    assert code == 0
    assert scene.regions[-1] == "ap-northeast-3"
    assert REPLICA in text


def test_another_file_is_no_way_to_go_on(scene: Scene) -> None:
    scene.keep()
    scene.run(*YES)
    _write(scene.checkout / "Pulumi.elsewhere.yaml", {"bulkhead:aws": {"accountId": "1" * 12, "profile": "other"}})
    code, text = scene.run(*YES)
    assert code == 1
    assert "this recovery began into" in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--yes", "staging"), "would recover 'production'"),
        (("--apply", "0123"), "is not this plan's"),
        ((), "nobody is here to be asked"),
        (("--lost-at", "2999-01-01T00:00"), "is still to come"),
    ],
)
def test_what_nobody_agreed_to_is_not_begun(scene: Scene, arguments: tuple[str, ...], says: str) -> None:
    scene.keep()
    code, text = scene.run(*arguments)
    assert code == 1
    assert says in " ".join(text.split())
    assert not (scene.checkout / ".recovery").exists()


def _write(file: Path, changes: Mapping[str, Any]) -> None:
    said = json.loads(file.read_text())
    file.write_text(json.dumps({"config": {**said["config"], **changes}}))
