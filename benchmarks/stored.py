"""What the benchmarks of backups run in a process of its own, so that its memory is its own too: one of DOINGS, told by
JSON, says how many seconds it took and how large the process grew.

Run as `python -m benchmarks.stored NAME JSON` by `benchmarks/backup.py` and its neighbours.
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from jobs.backup import take
from jobs.cloudflare import D1, Cloudflare
from jobs.d1.load import statements
from jobs.folders import Tier
from jobs.r2.mirroring import Progress, mirror
from jobs.r2.sides import Sides
from jobs.streams import PART
from jobs.vault import Backup, Vault
from jobs.verify import read_back

AT: Final = datetime(2026, 11, 30, 17, tzinfo=UTC)
SOURCE: Final = "harbor/staging/main"
VAULT: Final = "vault"
BACKUP: Final = Backup(AT, "main", "staging", Tier.DAILY)
Doing = Callable[[Mapping[str, Any]], None]


def _s3(told: Mapping[str, Any]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=told["s3"],
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",  # noqa: S106 - nobody looks at it
        config=Config(s3={"addressing_style": "path"}),
    )


def _vault(told: Mapping[str, Any]) -> Vault:
    return Vault(_s3(told), VAULT, "key")


def _database(told: Mapping[str, Any]) -> D1:
    api = Cloudflare(told["cloudflare"], told["account"], lambda: str(told["token"]))
    return api.database(told["database"])


def backup(told: Mapping[str, Any]) -> None:
    """What the job does with a database, its dump and manifest included."""
    take(
        _database(told),
        _vault(told),
        {BACKUP: {}},
        of=SOURCE,
        now=lambda: datetime.now(UTC),
        versions={},
        check=lambda: None,
        again=lambda _: False,
    )


def read(told: Mapping[str, Any]) -> None:
    """The pages of a backup, asked for one after another and dropped."""
    database = _database(told)
    for sql in json.loads(Path(told["pages"]).read_text()):
        database.query(sql)


def upload(told: Mapping[str, Any]) -> None:
    """As many bytes as the backup has, in parts of the same size, which are there already."""
    s3, at, content = _s3(told), {"Bucket": VAULT, "Key": "bare"}, bytes(PART)
    at["UploadId"] = s3.create_multipart_upload(**at)["UploadId"]
    parts = []
    for number, start in enumerate(range(0, told["bytes"], PART), 1):
        body = content[: told["bytes"] - start]
        sent = s3.upload_part(**at, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})


def restore(told: Mapping[str, Any]) -> None:
    """A backup read back: from S3 into a file, and every value compared."""
    with tempfile.TemporaryDirectory(dir=told["folder"]) as folder:
        verdict = read_back(_vault(told), BACKUP, of=SOURCE, folder=Path(folder))
    if not verdict.is_good:
        raise SystemExit("\n".join(verdict.reasons))


def load(told: Mapping[str, Any]) -> None:
    """The same dump unpacked and given to SQLite, statement by statement, without a look at what comes of it."""
    with (
        tempfile.TemporaryDirectory(dir=told["folder"]) as folder,
        closing(sqlite3.connect(Path(folder) / "bare.sqlite", isolation_level=None)) as connection,
        gzip.open(told["dump"]) as dump,
    ):
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        for statement in statements(dump):
            connection.execute(statement)
        connection.execute("COMMIT")


def mirrored(told: Mapping[str, Any]) -> None:
    """A bucket of which nothing changed, mirrored once more."""
    s3, began = _s3(told), AT.isoformat()
    life = timedelta(days=28)
    sides = Sides(s3, s3, name="files", bucket="files", vault=VAULT, state="state", parts="parts/", life=life)
    done = mirror(sides, Progress(began), remaining=lambda: 900.0)
    if done is None or done["copied"] or done["objects"] != told["objects"]:
        raise SystemExit(f"something was mirrored anew: {done}")


def listed(told: Mapping[str, Any]) -> None:
    """The same bucket, listed by boto3 alone."""
    pages = _s3(told).get_paginator("list_objects_v2").paginate(Bucket="files")
    if sum(len(page["Contents"]) for page in pages) != told["objects"]:
        raise SystemExit("the list is another one")


DOINGS: Final[Mapping[str, Doing]] = {
    each.__name__: each for each in (backup, read, upload, restore, load, mirrored, listed)
}


def main(name: str, told: str) -> None:
    began, used = time.perf_counter(), time.process_time()
    DOINGS[name](json.loads(told))
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    status = Path("/proc/self/status")  # Linux alone tells the peak of a process by itself
    peak = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.exists() else None
    megabytes = int(peak[1]) / 1024 if peak else 0.0
    print(json.dumps({"seconds": seconds, "processor": processor, "megabytes": megabytes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
