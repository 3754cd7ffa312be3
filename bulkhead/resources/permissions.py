"""Permission groups of Cloudflare's tokens (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Reach(Enum):
    """What a permission can be limited to."""

    ACCOUNT = "account"
    ZONE = "zone"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission group. Its ``id`` is the same in every account ("List permission groups" of Cloudflare's API)."""

    name: str
    id: str
    reach: Reach = Reach.ACCOUNT


ANALYTICS_READ: Final = Permission("Account Analytics Read", "b89a480218d04ceb98b4fe57ca29dc1f")
D1_READ: Final = Permission("D1 Read", "192192df92ee43ac90f2aeeffce67e35")
D1_WRITE: Final = Permission("D1 Write", "09b2857d1c31407795e75e3fed8617a1")
KV_READ: Final = Permission("Workers KV Storage Read", "8b47d2786a534c08a1f94ee8f9f599ef")
KV_WRITE: Final = Permission("Workers KV Storage Write", "f7f0eda5697f475c90846e879bab8666")
OBJECTS_READ: Final = Permission(
    "Workers R2 Storage Bucket Item Read", "6a018a9f2fc74eb6b293b0c548f38b39", Reach.BUCKET
)
QUEUES_WRITE: Final = Permission("Queues Write", "366f57075ffc42689627bcf8242a1b6d")
R2_WRITE: Final = Permission("Workers R2 Storage Write", "bf7481a1826f439697cb59a20b22293e")
ROUTES_WRITE: Final = Permission("Workers Routes Write", "28f4b596e7d643029c524985477ae49a", Reach.ZONE)
SCRIPTS_WRITE: Final = Permission("Workers Scripts Write", "e086da7e2179491d91ee5f35b3ca210a")
ZONE_READ: Final = Permission("Zone Read", "c8fed203ed3043cba015a93ad1616f1f", Reach.ZONE)

PERMISSIONS: Final = (
    ANALYTICS_READ,
    D1_READ,
    D1_WRITE,
    KV_READ,
    KV_WRITE,
    OBJECTS_READ,
    QUEUES_WRITE,
    R2_WRITE,
    ROUTES_WRITE,
    SCRIPTS_WRITE,
    ZONE_READ,
)
