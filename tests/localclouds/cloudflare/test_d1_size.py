"""A D1 database does not grow beyond 10 GB, whoever writes to it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from bulkhead.localclouds.cloudflare import layout
from bulkhead.localclouds.cloudflare.client import SqlError, StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from tests.localclouds.cloudflare.account import Account

pytestmark = pytest.mark.slow

LIMIT = 10_000_000_000
PAGE = 4096
WRITER = """export default {
  async fetch(request, env) {
    try {
      await env.DB.prepare("INSERT INTO notes (text) VALUES (zeroblob(100000))").run();
      return new Response("written");
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};"""


def plant(file: Path, size: int) -> None:
    """Make a database of this size, of which nearly all is a hole in the file that nobody reads."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE}")
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text)")
        connection.execute("INSERT INTO notes (text) VALUES (zeroblob(1000000))")
    connection.close()
    with file.open("r+b") as opened:
        opened.seek(28)  # the header's size in pages; it counts while the change counter is as it was
        opened.write((size // PAGE).to_bytes(4, "big"))
    os.truncate(file, size // PAGE * PAGE)


def test_what_would_be_larger_is_undone_and_what_makes_it_smaller_is_not(cloud: LocalCloudflare) -> None:
    account = Account(cloud.uploads)
    account.database("d1")
    account.deployed("writer", WRITER, {"type": "d1", "name": "DB", "databaseId": "d1"})
    plant(Path(cloud.client.call("state")["persist"]) / layout.database("d1")[0], LIMIT - 50 * PAGE)
    cloud.apply(account.records)
    stage = cloud.client
    assert rows(stage) == 1
    stage.d1_query("d1", "INSERT INTO notes (text) VALUES ('small')")
    with pytest.raises(SqlError, match="Exceeded maximum DB size"):
        stage.d1_query(
            "d1", "INSERT INTO notes (text) VALUES ('a'); INSERT INTO notes (text) VALUES (zeroblob(300000))"
        )
    assert rows(stage) == 2, "all of a transaction is undone"
    assert [stage.fetch("writer", "/").body.decode() for _ in range(3)][-1].endswith("Exceeded maximum DB size.")
    stage.d1_query("d1", "DELETE FROM notes WHERE id = 1")
    assert stage.fetch("writer", "/").body == b"written", "there is room again"


def rows(stage: StageCloud) -> int:
    return int(stage.d1_query("d1", "SELECT count(*) AS n FROM notes")[0]["n"])
