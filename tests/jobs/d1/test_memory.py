"""A dump and a load take as much memory for a large database as for a small one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bulkhead.model.project import ROOT
from tests.support.d1_databases import made

pytestmark = pytest.mark.slow

ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
LARGE = (
    "CREATE TABLE many (id INTEGER PRIMARY KEY, at TEXT, n REAL, note TEXT)",
    f"INSERT INTO many {ROWS.format(count=150_000)} SELECT i, 'at ' || i, i / 7.0, hex(randomblob(100)) FROM n",
    "CREATE TABLE wide (id INTEGER PRIMARY KEY, a BLOB, b BLOB)",
    f"INSERT INTO wide {ROWS.format(count=1_500)} SELECT i, randomblob(30000), randomblob(30000) FROM n",
    "CREATE TABLE long (id INTEGER PRIMARY KEY, a BLOB)",
    f"INSERT INTO long {ROWS.format(count=30)} SELECT i, randomblob(1900000) FROM n",
)
PROGRAM = """
import re, resource, sqlite3, sys
from pathlib import Path
from jobs.d1.dump import dump
from jobs.d1.load import asking, into_file
source, sql, target = map(Path, sys.argv[1:])
with sql.open("wb") as out:
    manifest = dump(asking(sqlite3.connect(source)), out.write, source="x", bookmark=lambda: "same")
with sql.open("rb") as dumped:
    into_file(dumped, manifest, target, source="x")
status = Path("/proc/self/status")
if status.exists():  # what getrusage says here is also the peak of whoever started this, from before the exec
    peak = 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS has bytes
print(peak // 2**20, sql.stat().st_size // 2**20)
"""


def test_a_large_database_goes_through_128_megabytes(tmp_path: Path) -> None:
    source = made(tmp_path / "large.sqlite", LARGE)
    files = [str(source), str(tmp_path / "dump.sql"), str(tmp_path / "back.sqlite")]
    command = [sys.executable, "-c", PROGRAM, *files]
    resident, written = map(int, subprocess.check_output(command, cwd=ROOT, text=True).split())
    assert written > 300
    assert resident <= 128
