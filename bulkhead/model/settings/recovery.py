"""Whether a stage's backups can keep what it promises of a total loss, and in which order it comes back (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.model.faults import Fault
from bulkhead.model.product import Product
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, fault_at, remove_command, set_command
from bulkhead.model.settings.types import INTERIM_HOURS

_DAY_HOURS: Final = 24
_ORDER: Final = (f"{SETTINGS}:dr", "recoveryOrder")


def recovery_order(settings: StageSettings, product: Product) -> tuple[str, ...]:
    """Return every Worker in the order in which a lost stage gets them back (DRP-3)."""
    return settings.dr.recovery_order or tuple(worker.name for worker in product.workers)


def order_faults(settings: StageSettings, product: Product) -> Iterator[Fault]:
    """Yield which Workers an order lacks, or has too many of: one that it forgets would not be brought back."""
    order, workers, stack = settings.dr.recovery_order, [each.name for each in product.workers], settings.environment
    unknown = [name for name in order if name not in workers]
    lacking = [name for name in workers if name not in order] if order else []
    if unknown:
        message = f"names {', '.join(unknown)}, and the product's Workers are {', '.join(workers)}"
        yield fault_at(_ORDER, message, f"correct it, or {remove_command(_ORDER, stack)}", stack)
    elif lacking:
        message = f"lacks {', '.join(lacking)}: a lost stage would come back without them (DRP-3)"
        yield fault_at(_ORDER, message, f"add them, or {remove_command(_ORDER, stack)}", stack)


def copies_apart_minutes(settings: StageSettings) -> int | None:
    """Return how many minutes lie between two copies that are outside of Cloudflare, None where there are none.

    What Time Travel and bookmarks can bring back is not counted: they are lost together with the account.
    """
    if settings.backup.full == "none":
        return None
    return 60 * (settings.backup.interim_hours or _DAY_HOURS)


def replica_doubts(settings: StageSettings) -> Iterator[Fault]:
    """Yield where the vault's copy is not where it would help, or may not be: nowhere, or in another part of the
    world (ENV-5)."""
    copy, home, stack = settings.backup.replica_region, settings.region.primary, settings.environment
    place = (f"{SETTINGS}:backup", "replicaRegion")
    if copy is None and settings.protected:
        message = f"is null: whoever loses {home} loses the product's data and every backup of it (BAK-9)"
        yield fault_at(place, message, "name a second region of the same country", stack)
    elif copy is not None and copy.partition("-")[0] != home.partition("-")[0]:
        message = f"is {copy}, and the stage lives in {home}: a copy of all data would leave that part of the world"
        yield fault_at(place, message, "name a second region of the same country, or null for no copy", stack)


def recovery_doubts(settings: StageSettings) -> Iterator[Fault]:
    """Yield what the stage promises and no mechanism of it can keep (DRP-2). It can be deployed all the same: what is
    lost more often, a database or a table, goes back to the minute by Time Travel."""
    goal, apart, stack = settings.dr.rpo_minutes, copies_apart_minutes(settings), settings.environment
    if goal is None or (apart is not None and apart <= goal):
        return
    place, enough = (f"{SETTINGS}:dr", "rpoMinutes"), [each for each in INTERIM_HOURS if 60 * each <= goal]
    if apart is None:
        message = f"promises {goal} minutes, and no copy is kept outside of Cloudflare: a total loss would take all"
        fix = set_command((f"{SETTINGS}:backup", "full"), "daily", stack)
    else:
        message = (
            f"promises {goal} minutes, and copies outside of Cloudflare are {apart} minutes apart: so much would be "
            "gone with the account"
        )
        closes = set_command((f"{SETTINGS}:backup", "interimHours"), max(enough), stack) if enough else ""
        fix = closes or set_command(place, apart, stack)
    yield fault_at(place, message, fix, stack)
