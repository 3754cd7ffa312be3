"""Which stores of a product no copy in the vault has, by what the settings and the product say."""

from __future__ import annotations

from typing import Any

from bulkhead.operations.backups.books import uncovered
from bulkhead.operations.backups.place import Place
from jobs.vault import Vault
from tests.model.test_exports import BOOKING, EXPORTER, product
from tests.support.settings_fixture import make_settings
from tests.support.stages import FIRST_PRODUCT

NOBODY: Any = None  # nothing is asked of S3


def place(of: Any, **backup: Any) -> Place:
    return Place(make_settings("staging", {"backup": backup}), of, Vault(NOBODY, "vault", "key"), "state")


def test_a_namespace_that_no_setting_names_and_a_class_that_nobody_exports_are_named() -> None:
    assert uncovered(place(FIRST_PRODUCT, kv=["answers"])) == [
        "KV namespace sessions: backup.kv does not name it",
        "Durable Object class BookingLedger: no Worker exports it (docs/backup-scope.md)",
        "Durable Object class Conversation: no Worker exports it (docs/backup-scope.md)",
    ]


def test_a_class_that_a_worker_exports_is_not() -> None:
    assert uncovered(place(product(BOOKING, EXPORTER))) == [
        "Durable Object class Chat: no Worker exports it (docs/backup-scope.md)"
    ]
