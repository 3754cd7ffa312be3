"""A process that ends in the middle of a run, as by SIGKILL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bulkhead.delivery.journal import Entry, Run


class Killed(BaseException):
    """The process of a run has ended."""


@dataclass
class Mortal:
    """A run whose process dies as soon as it has noted ``step``."""

    run: Run
    step: str

    def note(self, step: str, facts: Mapping[str, Any] | None = None) -> Entry:
        entry = self.run.note(step, facts)
        if step == self.step:
            raise Killed
        return entry

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)
