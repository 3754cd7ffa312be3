"""The datasets that are served, and what each can tell (pure). A further one is a row here, and rows of counts.

A field is spelt as the settings node of the API spells it: ``sum_requests``. What the vendor's schema has besides is
refused, as it is by a plan that is too small for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from bulkhead.resources.permissions import ANALYTICS_READ, ZONE_ANALYTICS_READ, Permission

DIMENSIONS: Final = "dimensions"
_DAY: Final = 86400  # seconds
_TIMES: Final = ("date", "datetime", "datetimeMinute", "datetimeFiveMinutes", "datetimeFifteenMinutes", "datetimeHour")


class Scope(Enum):
    """What a dataset is of: the node of the schema, and the permission that opens it."""

    ACCOUNT = "account"
    ZONE = "zone"

    @property
    def permission(self) -> Permission:
        return {Scope.ACCOUNT: ANALYTICS_READ, Scope.ZONE: ZONE_ANALYTICS_READ}[self]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset. ``fields`` are what a query may ask for. A query reaches ``max_duration`` seconds at most, and back
    to ``not_older_than`` seconds ago."""

    name: str
    scope: Scope
    fields: tuple[str, ...]
    max_duration: int
    not_older_than: int
    max_page_size: int = 10_000
    max_number_of_fields: int = 30

    @property
    def type(self) -> str:
        """The name of its type in the schema."""
        return f"{self.scope.value.capitalize()}{self.name[0].upper()}{self.name[1:]}"

    @property
    def dimensions(self) -> frozenset[str]:
        """What rows can be told apart by."""
        return frozenset(group[1] for each in self.fields if (group := each.split("_", 1))[0] == DIMENSIONS)


def _dimensions(*names: str) -> tuple[str, ...]:
    return tuple(f"{DIMENSIONS}_{name}" for name in (*_TIMES, *names))


# Limits: Workers documentation, "Metrics and analytics" (three months back, a week at once); of a zone's requests, what
# GraphQL documentation shows in "Settings node" for another dataset of zones, with three days at once.
DATASETS: Final = (
    Dataset(
        "workersInvocationsAdaptive",
        Scope.ACCOUNT,
        (
            *_dimensions("scriptName", "scriptVersion", "status"),
            "avg_sampleInterval",
            "sum_clientDisconnects",
            "sum_errors",
            "sum_requests",
            "sum_wallTime",
            *(f"quantiles_wallTimeP{rank}" for rank in (25, 50, 75, 90, 95, 99, 999)),
        ),
        max_duration=7 * _DAY,
        not_older_than=90 * _DAY,
    ),
    Dataset(
        "httpRequestsAdaptiveGroups",
        Scope.ZONE,
        (
            *_dimensions("clientRequestHTTPHost", "clientRequestHTTPMethodName", "edgeResponseStatus", "requestSource"),
            "count",
            "avg_sampleInterval",
            "avg_edgeTimeToFirstByteMs",
            *(f"quantiles_edgeTimeToFirstByteMsP{rank}" for rank in (50, 95, 99)),
        ),
        max_duration=3 * _DAY,
        not_older_than=31 * _DAY,
    ),
)
