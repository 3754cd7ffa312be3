"""The proofs of backups and restores: each notices a job that did not work, a value that is another one, a way back
that leads elsewhere, and people who are let in or kept out at the wrong time."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.rehearsal.evidence import Outcome
from bulkhead.rehearsal.mishaps import Mishaps
from bulkhead.rehearsal.proofs.restored import PLANTED, STEPS
from tests.support.scene import Break, World


def kept(**changes: Any) -> Callable[[World], None]:
    """Return what breaks the backups and restores of staging."""

    def do(world: World) -> None:
        for name, value in changes.items():
            setattr(world["staging"].kept, name, value)

    return do


def at(step: str, **changes: Any) -> Callable[[World], None]:
    """Return what breaks them, and lets the restore be killed at a step."""

    def do(world: World) -> None:
        kept(**changes)(world)
        seed = next(seed for seed in range(1000) if random.Random(seed).choice(STEPS) == step)
        world.scene = replace(world.scene, mishaps=Mishaps(seed))

    return do


def spoil(sql: str) -> Callable[[Path], None]:
    """Return what changes a database before it is dumped."""

    def do(file: Path) -> None:
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute(sql)

    return do


def as_double(file: Path) -> None:
    """The one fault of D1's own export that no count shows."""
    spoil(f'UPDATE "{PLANTED}" SET value = CAST(CAST(value AS REAL) AS INTEGER) WHERE value = 9007199254740993')(file)


class Sticky(D1):
    """A database that no bookmark brings back."""

    def travel(self, bookmark: str) -> None: ...


class Elsewhere(D1):
    """A database that is written to as soon as it is asked for its bookmark."""

    def bookmark(self, at: object = None) -> str:
        found = super().bookmark()
        self.write(f'UPDATE "{PLANTED}" SET value = 1 WHERE number = 4;')
        return found


class Late(D1):
    """A database to which somebody writes after it was brought back."""

    def travel(self, bookmark: str) -> None:
        super().travel(bookmark)
        self.write("INSERT INTO members VALUES (9, 'late');")


def another(database: D1) -> None:
    """Somebody leaves a database in the account."""
    names = [row["name"] for row in database.api.every(f"/accounts/{database.account}/d1/database")]
    d1.create(database.api, database.account, f"left-{len(names)}")


BREAKS = (
    Break("backup", "the job fails", kept(fails={"backup"}), "the job job-backup to do its work", "JobFailed"),
    Break("backup", "the job keeps nothing", kept(idle={"backup"}), "in the vault", "nothing"),
    Break("backup", "nobody reads it back", kept(idle={"verify"}), "to be read back, and good", "nobody has read it"),
    Break(
        "backup", "the job that reads fails", kept(fails={"verify"}), "the job job-verify to do its work", "JobFailed"
    ),
    Break(
        "backup", "an integer is a double on the way", kept(spoils=as_double), "main as it was backed up", "39303037"
    ),
    Break(
        "backup",
        "a row is lost on the way",
        kept(spoils=spoil(f'DELETE FROM "{PLANTED}" WHERE number = 12')),
        "main as it was backed up",
        "too many: none",
    ),
    Break(
        "backup",
        "a table is lost on the way",
        kept(spoils=spoil("DROP TABLE members")),
        "as it was backed up",
        "626F62",
    ),
    Break("restore", "the job fails", kept(fails={"backup"}), "the job job-backup to do its work", "JobFailed"),
    Break("restore", "maintenance reaches nobody", at("change", deaf=True), "maintenance on every hostname", "200"),
    Break("restore", "maintenance never ends", at("tried", shut=True), "every hostname to answer as before", "503"),
    Break(
        "restore",
        "no way leads back",
        at("checked", database=Sticky),
        "main as it was before the restore",
        "73696E6365",
    ),
    Break("restore", "somebody writes afterwards", at("changed", database=Late), "main as it was before", "6C617465"),
    Break(
        "restore",
        "it changes before it says so",
        at("bookmark", database=Elsewhere),
        "main as it was",
        "integer 34, integer 31",
    ),
    Break("restore", "a database is left behind", at("tried", more=another), "the databases of the account", "left-"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


@pytest.mark.parametrize("step", STEPS)
def test_a_restore_may_be_killed_at_any_step(step: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    at(step)(world)
    verdict = world.verdict("restore")
    assert verdict.outcome is Outcome.PROVEN, verdict
    assert f"killed at {step!r}" in verdict.evidence


@pytest.mark.parametrize("key", ["backup", "restore"])
def test_it_is_not_shown_where_nothing_may_be_damaged(key: str, tmp_path: Path) -> None:
    verdict = World(tmp_path, ["development", "production"]).verdict(key)
    assert verdict.outcome is Outcome.NOT_SHOWN
    assert "needs staging" in verdict.evidence


def test_what_was_planted_is_gone_afterwards(tmp_path: Path) -> None:
    seen = []

    class Watched(D1):
        def write(self, *sql: str) -> Any:
            seen.append(sql[-1])
            return super().write(*sql)

    world = World(tmp_path)
    kept(database=Watched, fails={"backup"})(world)
    assert world.verdict("backup").outcome is Outcome.FAILED
    assert seen[-1] == f'DROP TABLE IF EXISTS "{PLANTED}";'
