"""What was counted of what happened in an environment (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bulkhead.model.instants import instant_of

Value = str | int
STEPS: Final = {  # seconds
    "datetime": 1,
    "datetimeMinute": 60,
    "datetimeFiveMinutes": 300,
    "datetimeFifteenMinutes": 900,
    "datetimeHour": 3600,
    "date": 86400,
}
"""The dimensions of time, and how long each value of one is."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened within one second and is alike in all ``dimensions``. ``samples`` has for each measure, such as a
    time, its values and how often each was seen."""

    at: int  # seconds since 1970
    dimensions: Mapping[str, Value]
    count: int
    sums: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, Sequence[tuple[float, int]]] = field(default_factory=dict)

    def value(self, dimension: str) -> Value:
        """Return what a query reads or compares; times are spelt so that their order is that of the letters."""
        if dimension not in STEPS:
            return self.dimensions[dimension]
        time = instant_of(self.at - self.at % STEPS[dimension])
        return time.partition("T")[0] if dimension == "date" else time
