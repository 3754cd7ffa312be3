"""`bulkhead restore objects`: says what would be written, asks, and writes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.clients import clouds
from jobs.mirror import parts_of
from jobs.r2.sides import accepted_key
from tests.support import mirrored as support
from tests.support.checkout import work_in
from tests.support.mirrored import Mirrored
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import write_stage_files

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bucket(local_s3: InProcessS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mirrored:
    """Staging's bucket of transcripts, mirrored once."""
    work_in(monkeypatch, tmp_path)
    write_stage_files(tmp_path, ["staging", "development"])
    for name, value in {
        "NAME": "transcripts",
        "SOURCE": "harbor-staging-r2-transcripts",
        "VAULT": "harbor-staging-vault-222222222222",
        "STATE": "harbor-staging-state-222222222222",
    }.items():
        monkeypatch.setattr(support, name, value)
    client = local_s3.emptied()
    monkeypatch.setattr(clouds, "aws", lambda *_: lambda _service: client)
    monkeypatch.setattr(clouds, "r2", lambda *_: client)
    monkeypatch.setattr(client, "close", lambda: None)
    monkeypatch.setenv("A_TOKEN", "a-token")
    made = Mirrored(client, client)
    made.prepare()
    made.put("2026/a", b"1")
    made.put("2026/b", b"22")
    made.run()
    return made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["restore", "objects", *arguments, "--token-env", "A_TOKEN"])
        return code, *capsys.readouterr()

    return call


def keys(bucket: Mirrored) -> list[str]:
    found: Any = bucket.s3.list_objects_v2(Bucket=support.SOURCE).get("Contents", ())
    return [one["Key"] for one in found]


def test_what_is_missing_is_said_and_then_written(bucket: Mirrored, run: Run) -> None:
    bucket.delete("2026/a", "2026/b")
    code, out, _ = run("staging", "transcripts", "--plan")
    assert (code, keys(bucket)) == (0, [])
    assert "2 objects, 3 bytes, as of the mirror of" in out
    code, _, err = run("staging", "transcripts")
    assert (code, keys(bucket)) == (1, [])
    assert "--yes staging" in err
    code, out, _ = run("staging", "transcripts", "--yes", "staging", "--json")
    document = json.loads(out)
    assert (code, document["ok"], document["done"]["written"]) == (0, True, 2)
    assert keys(bucket) == ["2026/a", "2026/b"]


def test_nothing_to_do_asks_nobody(bucket: Mirrored, run: Run) -> None:
    code, out, _ = run("staging", "transcripts")
    assert code == 0
    assert "0 objects" in out


def test_meant_deletions_are_noted_where_the_mirror_looks(bucket: Mirrored, run: Run) -> None:
    code, _, _ = run("staging", "transcripts", "--accept-deleted", "7", "--yes", "staging")
    key = accepted_key(parts_of("transcripts"))
    assert code == 0
    assert bucket.s3.get_object(Bucket=support.STATE, Key=key)["Body"].read() == b"7"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("staging", "nothing"), "is no bucket of harbor; those are: transcripts"),
        (("development", "transcripts"), "the stage has no vault"),
        (("staging", "transcripts", "--at", "2999-01-01T00:00"), "is still to come"),
        (("staging", "transcripts", "--at", "yesterday"), "is no time"),
        (("staging", "transcripts", "--at", "2020-01-01T00:00"), "before the first mirror"),
        (("staging", "transcripts", "--yes", "production"), "confirms 'production'"),
    ],
)
def test_what_cannot_be_meant_is_refused(bucket: Mirrored, run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(*arguments)
    assert code == 1
    assert said in out + err
    assert "Traceback" not in out + err
