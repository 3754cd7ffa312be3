"""`bulkhead backup`: what is in the vault, whether it is any good, and what is in it, in words and as JSON."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from bulkhead.cli.main import main
from bulkhead.clients.endpoints import CLOUDFLARE, Apis
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from jobs import verified
from jobs.folders import Tier
from jobs.vault import Backup
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN, Api, open_api
from tests.support.d1_databases import packed
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import write_stage_files
from tests.support.sqlite_stage import SqliteStage

ACCOUNT, AWS = "2" * 32, "2" * 12
VAULT, STATE = f"harbor-staging-vault-{AWS}", f"harbor-staging-state-{AWS}"
MADE = (
    "CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT)",
    "INSERT INTO guests VALUES (1, 'ann'), (2, 'bo')",
)


@dataclass
class Books:
    """A stage whose vault is real and empty at first, and whose command is run."""

    s3: Any
    api: Api
    apis: Apis
    checkout: Path
    capture: pytest.CaptureFixture[str]
    files: int = 0

    def run(self, *arguments: str) -> tuple[int, str, str]:
        code = main(["backup", "staging", *arguments], self.apis)
        return code, *self.capture.readouterr()

    def document(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json")[1])

    def database(self, *statements: str) -> Path:
        made = self.api.result("POST", f"/accounts/{ACCOUNT}/d1/database", {"name": "harbor-staging-d1-main"})
        file = SqliteStage(self.checkout).d1_file(made["uuid"])
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            for each in statements:
                connection.execute(each)
        return file

    def keep(
        self, *statements: str, hours: float = 1, tier: Tier = Tier.DAILY, source: str = "harbor/staging/main"
    ) -> str:
        """Put the backup of a database that is made by statements, so many hours old."""
        self.files += 1
        file = self.checkout / f"source-{self.files}.sqlite"
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            for each in statements:
                connection.execute(each)
        content, manifest = packed(file, source)
        at = (datetime.now(UTC) - timedelta(hours=hours)).replace(microsecond=0)
        backup = Backup(at, "main", "staging", tier)
        self.s3.put_object(Bucket=VAULT, Key=backup.key, Body=content)
        self.s3.put_object(Bucket=VAULT, Key=backup.manifest, Body=manifest.text().encode())
        return backup.key

    def damage(self, key: str) -> None:
        content = bytearray(self.s3.get_object(Bucket=VAULT, Key=key)["Body"].read())
        content[len(content) // 2] ^= 1
        self.s3.put_object(Bucket=VAULT, Key=key, Body=bytes(content))

    def keys(self) -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=VAULT).get("Contents", ())]


@pytest.fixture
def books(
    local_s3: InProcessS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Books]:
    work_in(monkeypatch, tmp_path)
    write_stage_files(tmp_path, ["staging", "production", "development"])
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("A_TOKEN", TOKEN)
    s3 = local_s3.emptied()
    for bucket in (VAULT, STATE):
        s3.create_bucket(Bucket=bucket)
    monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: boto3.client)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    stage = SqliteStage(tmp_path)
    tenant = Tenant("staging", ACCOUNT, {}, "acme/harbor", {"cloudflare": {TOKEN: "deploy"}})
    api = open_api(tmp_path, tenant, stage=lambda _environment: stage)
    server = ApiServer(api.app)
    yield Books(s3, api, Apis(cloudflare=CLOUDFLARE.at(f"{server.url}{PREFIX}")), tmp_path, capsys)
    server.stop()
    api.journal.close()
    api.resources.store.close()


def test_the_list_says_what_there_is_and_how_much_would_be_lost(books: Books) -> None:
    code, out, _ = books.run("list")
    assert code == 0
    assert "main: there is no usable backup, so all of it would be lost" in out
    old, new = books.keep(*MADE, hours=30), books.keep(*MADE, hours=2.5)
    code, out, _ = books.run("list")
    assert code == 0
    assert out.index(new) < out.index(old)
    assert "1 d 6 h" in out
    assert "never" in out
    assert "main: were Cloudflare's copy gone, the last 2 h 30 min would be lost" in out
    assert "not in any backup: KV namespace sessions" in out
    assert "no backup outlives the loss of AWS account 222222222222" in out
    assert "no backup outlives the loss of region ap-northeast-1" in out
    found = books.document("list")
    assert [each["rows"] for each in found["backups"]] == [2, 2]
    assert found["lost_now"][0]["minutes"] == 150


def test_the_goal_is_compared_with_what_would_be_lost(books: Books) -> None:
    settings = books.checkout / "Pulumi.staging.yaml"
    text = settings.read_text()
    for minutes, met in ((60, False), (600, True)):
        settings.write_text(text.replace("rpoMinutes: null", f"rpoMinutes: {minutes}"))
        books.keep(*MADE, hours=2)
        (lost,) = books.document("list")["lost_now"]
        assert (lost["goal_minutes"], lost["met"]) == (minutes, met)


def test_a_backup_that_is_no_good_counts_for_nothing_in_the_list(books: Books) -> None:
    good, bad, none = books.keep(*MADE, hours=9), books.keep(*MADE, hours=5), books.keep(*MADE, hours=1)
    verdict = verified.Verdict(bad, datetime.now(UTC), ("it rotted",), (), 2, 1.0, "3.40.1")
    found = Backup.of(bad)
    assert found
    books.s3.put_object(Bucket=STATE, Key=verified.place(found), Body=verdict.text().encode())
    books.s3.put_object(Bucket=VAULT, Key=none.replace(".sql.gz", ".json"), Body=b"{}")
    _, out, _ = books.run("list")
    assert "no good: it rotted" in out
    assert "no good: the manifest cannot be used" in out
    assert "the last 9 h " in out
    assert good in out


def test_a_backup_is_taken_at_once_and_read_back(books: Books) -> None:
    books.database(*MADE)
    code, out, err = books.run("now", "--token-env", "A_TOKEN", "--json")
    assert (code, err.count("Traceback")) == (0, 0)
    (taken,) = json.loads(out)["taken"]
    assert (taken["rows"], taken["consistent"]) == (2, True)
    assert taken["key"].startswith("database/daily/main/backup_staging_main_")
    code, out, _ = books.run("verify", taken["key"])
    assert code == 0
    assert "2 rows, every value" in out


def test_a_database_that_does_not_exist_is_named_and_nothing_is_written(books: Books) -> None:
    code, _, err = books.run("now", "--token-env", "A_TOKEN")
    assert code == 1
    assert f"harbor-staging-d1-main: is not in account {ACCOUNT}" in err
    assert books.keys() == []


def test_what_d1_refuses_is_said_and_no_backup_is_there(books: Books) -> None:
    books.database("CREATE VIRTUAL TABLE bare USING fts5(title, content='')")
    code, _, err = books.run("now", "--token-env", "A_TOKEN")
    assert code == 1
    assert "bare: it has no content" in err
    assert books.keys() == []
    assert books.s3.list_multipart_uploads(Bucket=VAULT).get("Uploads", []) == []


def test_a_backup_that_rotted_is_no_good(books: Books) -> None:
    key = books.keep(*MADE)
    books.damage(key)
    code, out, _ = books.run("verify", key)
    assert code == 1
    assert "no good: the dump as it is compressed is as long as its manifest says and has another SHA-256" in out
    assert books.document("verify", key)["good"] is False
    code, out, err = books.run("open", key)
    assert code == 1
    assert "SHA-256" in err
    assert not any((books.checkout / "cache").rglob("*.sqlite"))


def test_a_backup_is_opened_as_a_file_that_only_this_user_can_read(books: Books) -> None:
    key = books.keep(*MADE)
    code, out, err = books.run("open", key)
    assert (code, err) == (0, "")
    (file,) = (books.checkout / "cache" / "backups").iterdir()
    assert str(file) in out
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT name FROM guests").fetchall() == [("ann",), ("bo",)]
    code, _, err = books.run("open", key)
    assert code == 1
    assert "is there already" in err


def test_nothing_is_opened_where_a_commit_would_take_it_along(books: Books) -> None:
    key = books.keep(*MADE)
    subprocess.run(["git", "init", "--quiet", books.checkout], check=True)
    (books.checkout / ".gitignore").write_text("ignored/\n")
    code, _, err = books.run("open", key, "--into", str(books.checkout / "docs"))
    assert code == 1
    assert "git does not ignore it" in err
    assert not (books.checkout / "docs").exists()
    assert books.run("open", key, "--into", str(books.checkout / "ignored"))[0] == 0


def test_two_backups_are_compared_by_table_and_row(books: Books) -> None:
    old = books.keep(*MADE, hours=9)
    new = books.keep(*MADE, "DELETE FROM guests WHERE id = 1", "UPDATE guests SET name = 'Bo' WHERE id = 2")
    code, out, _ = books.run("diff", old, new)
    assert code == 0
    assert "guests: 0 added, 1 removed, 1 changed" in out
    assert "changed: id=2: name" in out
    assert "Bo" not in out, "a value is nobody's business"
    assert books.document("diff", old, new)["tables"][0]["removed"] == 1
    assert "They have the same rows." in books.run("diff", old, old)[1]


def test_a_backup_is_kept_beyond_its_time_until_it_is_released(books: Books) -> None:
    key = books.keep(*MADE)
    code, out, _ = books.run("hold", key)
    assert code == 0
    assert f"held/{key}" in out
    assert books.run("hold", key)[0] == 0, "once more is the same"
    for each in (key, key.replace(".sql.gz", ".json")):
        books.s3.delete_object(Bucket=VAULT, Key=each)
    assert books.document("list")["held"] == [key]
    assert books.run("verify", f"held/{key}")[0] == 0
    assert books.run("verify", key)[0] == 1
    assert books.run("hold", key, "--release")[0] == 0
    assert books.keys() == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("verify",), "verify: takes 1 key, and 0 are there"),
        (("list", "a"), "list: takes no key, and 1 are there"),
        (("diff", "a"), "diff: takes 2 keys, and 1 are there"),
        (("verify", "a.sql"), "a.sql: is no key of a backup, such as database/daily/main/backup_staging_main_"),
        (("verify", "a", "--release"), "--release: means nothing to verify: it is for hold"),
        (("verify", "database/daily/main/backup_production_main_20261130T170000Z.sql.gz"), "is of production"),
        (("verify", "database/daily/main/backup_staging_main_20261130T170000Z.sql.gz"), "is not in the vault"),
        (("verify", "held/database/daily/main/backup_staging_main_20261130T170000Z.sql.gz"), "is not in the vault"),
        (("list", "--database", "nothing"), "is no database of harbor"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(arguments: tuple[str, ...], told: str, books: Books) -> None:
    code, out, err = books.run(*arguments)
    assert (code, out) == (1, "")
    assert told in err
    assert "Traceback" not in err


def test_a_backup_of_another_stage_that_lies_here_is_no_good(books: Books) -> None:
    key = books.keep(*MADE, source="harbor/production/main")
    code, out, _ = books.run("verify", key)
    assert code == 1
    assert "the dump is of harbor/production/main, not of harbor/staging/main" in out


def test_a_stage_that_keeps_no_backups_says_so(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "development", "list"], books.apis) == 1
    assert "bulkhead:backup.full: is none: this stage has no vault" in capsys.readouterr().err


def test_what_aws_refuses_is_said_plainly(books: Books) -> None:
    books.s3.delete_bucket(Bucket=VAULT)
    code, _, err = books.run("list")
    assert code == 1
    assert "AWS refused while looking into the vault" in err
    assert "NoSuchBucket" in err
