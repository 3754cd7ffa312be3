"""A vault in memory with backups in it, good and bad ones, and an S3 that fails now and then."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from bulkhead.operations.backups.place import Place
from infra.product import PRODUCT
from jobs.d1.manifest import Manifest
from jobs.d1.packed import Packing
from jobs.folders import Tier
from jobs.vault import Backup, Vault
from tests.support.d1_databases import dumped, made
from tests.support.memory_s3 import MemoryS3
from tests.support.settings_fixture import make_settings

FIRST = datetime(2026, 11, 29, 17, 0, tzinfo=UTC)


class VaultS3(MemoryS3):
    """``fails`` are how many of the next reads of a body break off half-way."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = 0

    def get_object(self, *, Key: str, Range: str = "bytes=0-", **more: Any) -> Any:  # noqa: N803 - boto3's names
        answer = super().get_object(Key=Key, **more)
        content = self.there[Key][int(Range.removeprefix("bytes=").rstrip("-")) :]
        body = io.BytesIO(content)
        if self.fails:
            self.fails -= 1
            body = io.BytesIO(content[: len(content) // 2])
        return {**answer, "Body": body, "ContentLength": len(content)}

    def get_paginator(self, operation: str) -> Any:
        def paginate(*, Prefix: str, **_: Any) -> Iterator[Any]:  # noqa: N803
            yield {"Contents": [{"Key": key} for key in sorted(self.there) if key.startswith(Prefix)]}

        assert operation == "list_objects_v2"
        return SimpleNamespace(paginate=paginate)


class Broken(VaultS3):
    """Answers nothing but 500."""

    def get_object(self, **_: Any) -> Any:
        answer: Any = {"Error": {"Code": "InternalError", "Message": "We encountered an internal error."}}
        raise ClientError(answer, "GetObject")


class Vaulted:
    """The vault of a stage. Each backup is a day older than the one that was put there before."""

    def __init__(self, folder: Path, s3: VaultS3 | None = None) -> None:
        self.s3 = s3 or VaultS3()
        self.vault = Vault(self.s3, "a-vault", "")
        self._folder = folder
        self._number = 0

    @property
    def place(self) -> Place:
        return Place(make_settings("staging"), PRODUCT, self.vault, "a-bucket")

    def put(
        self,
        statements: Sequence[str],
        *,
        stage: str = "staging",
        database: str = "main",
        source: str = "",
        migrations: tuple[str, ...] = (),
    ) -> Backup:
        """Dump a database that statements make, and keep that."""
        self._number += 1
        file = made(self._folder / f"vaulted-{self._number}.sqlite", statements)
        sql, manifest = dumped(file, source or f"harbor/{stage}/{database}")
        backup = Backup(FIRST - timedelta(days=self._number), database, stage, Tier.DAILY)
        self.keep(backup, sql, replace(manifest, migrations=migrations))
        return backup

    def keep(self, backup: Backup, sql: bytes, manifest: Manifest) -> None:
        packed = bytearray()
        packing = Packing(packed.extend)
        packing.write(sql)
        whole = replace(manifest, gzip=packing.close())
        self.s3.there[backup.key] = bytes(packed)
        self.s3.there[backup.manifest] = whole.text().encode()
