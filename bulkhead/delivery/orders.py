"""What somebody at a second terminal asks of a run, and what that comes to (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bulkhead.machine.owner import Owner


class OrderKind(StrEnum):
    """What can be asked of a run."""

    PAUSE = "pause"
    PROMOTE = "promote"
    ABORT = "abort"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked of a run when ``entry`` was its last one."""

    kind: OrderKind
    entry: int
    at: datetime
    by: Owner


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a run now: each the order that asks for it, None where nobody does."""

    abort: Order | None = None
    pause: Order | None = None
    promote: Order | None = None


def asked(orders: Sequence[Order], since: int) -> Asked:
    """Return what orders ask of a run whose present wait began with entry ``since``. To promote ends the wait that
    somebody saw, not the next one; a run that was aborted stays so."""
    last: dict[OrderKind, Order] = {}
    for order in orders:
        last[OrderKind.PAUSE if order.kind is OrderKind.RESUME else order.kind] = order
    pause, promote = last.get(OrderKind.PAUSE), last.get(OrderKind.PROMOTE)
    return Asked(
        abort=last.get(OrderKind.ABORT),
        pause=pause if pause and pause.kind is OrderKind.PAUSE else None,
        promote=promote if promote and promote.entry >= since else None,
    )
