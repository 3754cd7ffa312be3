"""The folders of the vault, and the tiers of the databases' among them (pure)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

DATABASES: Final = "database/"
MIRRORED: Final = "storage/reports/"
"""Below which files of the product's buckets are mirrored; a marker says that one is gone at its source."""
BOOKMARKS: Final = "bookmarks/"
STATE: Final = "state/"
NAMESPACES: Final = "kv/"
OBJECTS: Final = "objects/"


class Tier(StrEnum):
    """How long a backup is kept; the value is its folder (BAK-4)."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"
    INTERIM = "interim"
