"""A dump that is compressed: the same bytes each time, checked while it is read, and opened by any gunzip."""

from __future__ import annotations

import gzip
import io
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from jobs.d1.load import Loaded, LoadFailed, asking, into_file, orphans, statements, verify
from jobs.d1.manifest import Manifest, parsed
from jobs.d1.packed import Packing
from tests.support.d1_databases import NASTY, SOURCE, contents, dumped, made, packed


class Slow:
    """Hands out at most some bytes at a time, as a connection does, and cannot go back."""

    def __init__(self, content: bytes, most: int) -> None:
        self._left, self._most = content, most

    def read(self, size: int, /) -> bytes:
        found, self._left = self._left[: min(size, self._most)], self._left[min(size, self._most) :]
        return found


def test_a_compressed_dump_comes_back_from_a_stream_that_cannot_go_back(nasty: Path, tmp_path: Path) -> None:
    content, manifest = packed(nasty)
    into_file(Slow(content, 7_001), manifest, tmp_path / "back.sqlite", source=SOURCE)
    assert contents(tmp_path / "back.sqlite") == contents(nasty)
    assert gzip.decompress(content) == dumped(nasty)[0]


def test_the_same_database_is_compressed_to_the_same_bytes(nasty: Path) -> None:
    (one, manifest), (two, other) = packed(nasty), packed(nasty)
    assert one == two
    assert (manifest.gzip, len(one)) == (other.gzip, manifest.gzip and manifest.gzip.bytes)


def test_a_dump_is_written_as_sql_again_for_whoever_needs_a_file(nasty: Path) -> None:
    content, manifest = packed(nasty)
    written = io.BytesIO()
    verify(io.BytesIO(content), manifest, source=SOURCE, write=written.write)
    assert written.getvalue() == dumped(nasty)[0]


def test_the_manifest_of_a_compressed_dump_is_read_as_it_was_written(nasty: Path) -> None:
    _, manifest = packed(nasty)
    manifest = replace(manifest, versions={"python": "3.13"})
    assert manifest.migrations == ("0001_first.sql", "0002_second.sql")
    assert manifest.gzip
    assert parsed(manifest.text()) == manifest


def refused(content: bytes, manifest: Manifest, file: Path) -> str:
    with pytest.raises(LoadFailed) as failed:
        into_file(io.BytesIO(content), manifest, file, source=SOURCE)
    assert not file.exists(), "something is left of what was not loaded"
    return str(failed.value)


def test_a_compressed_dump_that_is_damaged_anywhere_is_refused(tmp_path: Path) -> None:
    content, manifest = packed(made(tmp_path / "small.sqlite", NASTY[:9]))
    random = Random(7)
    for end in range(0, len(content), 37):
        assert "cut off" in refused(content[:end], manifest, tmp_path / "back.sqlite")
    for _ in range(60):
        flipped = bytearray(content)
        flipped[random.randrange(len(content))] ^= 1 << random.randrange(8)
        assert "SHA-256" in refused(bytes(flipped), manifest, tmp_path / "back.sqlite")
    assert "or another one" in refused(content + b"more", manifest, tmp_path / "back.sqlite")


def test_a_manifest_of_other_sql_is_noticed_although_the_compressed_bytes_are_right(
    nasty: Path, tmp_path: Path
) -> None:
    content, manifest = packed(nasty)
    told = refused(content, replace(manifest, sha256="0" * 64), tmp_path / "back.sqlite")
    assert "the dump is as long as its manifest says and has another SHA-256" in told


def test_a_dump_without_an_end_does_not_fill_the_memory(tmp_path: Path) -> None:
    written = io.BytesIO()
    packing = Packing(written.write)
    for _ in range(30):
        packing.write(b"'" + b"x" * 1_000_000)
    packing.close()
    assert len(written.getvalue()) < 300_000
    with pytest.raises(LoadFailed, match="longer than any of a dump"):
        list(statements(iter(lambda: b"x" * 50_000, b"")))
    _, manifest = packed(made(tmp_path / "small.sqlite", NASTY[:9]))
    assert "or another one" in refused(written.getvalue(), manifest, tmp_path / "back.sqlite")


def test_a_file_that_is_no_dump_of_ours_writes_to_no_other_file(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    evil = f"ATTACH '{other}' AS other;\nCREATE TABLE other.t (v);\n".encode()
    _, manifest = dumped(made(tmp_path / "small.sqlite", NASTY[:9]))
    refused(evil, manifest, tmp_path / "back.sqlite")
    assert not other.exists()


KEYS = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
    'CREATE TABLE "chi""ld" (id INTEGER PRIMARY KEY, parent REFERENCES parent (id), other REFERENCES nowhere (id))',
    "CREATE TABLE loose (v)",
    "CREATE TABLE odd (v REFERENCES loose (v))",
)


def test_rows_that_break_foreign_keys_are_told_and_are_no_damage(tmp_path: Path) -> None:
    rows = ('INSERT INTO "chi""ld" VALUES (1, 7, 8), (2, 9, NULL), (3, 1, NULL)', "INSERT INTO parent VALUES (1)")
    source = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        for each in (*KEYS, *rows):
            connection.execute(each)
    content, manifest = packed(source)
    told = into_file(io.BytesIO(content), manifest, tmp_path / "back.sqlite", source=SOURCE).orphans
    assert told == (
        'table chi"ld: 1 rows reference no row of nowhere',
        'table chi"ld: 2 rows reference no row of parent',
        'table odd: foreign key mismatch - "odd" referencing "loose"',
    )
    with closing(sqlite3.connect(tmp_path / "back.sqlite")) as connection:
        assert orphans(asking(connection)) == list(told)


def test_rows_whose_keys_are_whole_are_not_told_of(nasty: Path, tmp_path: Path) -> None:
    content, manifest = packed(nasty)
    assert into_file(io.BytesIO(content), manifest, tmp_path / "back.sqlite", source=SOURCE) == Loaded()
