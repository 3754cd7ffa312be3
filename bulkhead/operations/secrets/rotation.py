"""Rotates the tokens of a stage (pure): open the other slot, hand its tokens out, close the old one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import SLOTS, TOKENS, Slots, Window

Typed = Callable[[str], str]

LIFE: Final = timedelta(days=80)  # at most 90 (SEC-7), less the time that somebody is away


def opened(slots: Slots | None, now: datetime, stage: str) -> Slots:
    """Return the slots with a new one open and handed out; the other stays valid, so nothing that runs now fails.

    Raises Refused while both are open: the tokens of one of them may still be in use.
    """
    window = Window(now, now + LIFE)
    if slots is None:
        return Slots(SLOTS[0], {SLOTS[0]: window})
    free = [slot for slot in SLOTS if slot not in slots.windows]
    if not free:
        old = next(slot for slot in SLOTS if slot != slots.active)
        message = f"is still open beside {slots.active}: its tokens are valid, and nobody is handed them any more"
        fix = f"bulkhead secrets rotate {stage} --close, once every deployment runs on the new ones"
        raise Refused("The last rotation is not finished.", [Fault(f"{TOKENS}.{old}", message, fix)])
    return Slots(free[0], {**slots.windows, free[0]: window})


def closed(slots: Slots | None, stage: str) -> Slots:
    """Return the slots with only the active one open. Raises Refused when there is nothing to close."""
    if slots is None or len(slots.windows) == 1:
        message = "has one open slot or none, and what is handed out is not closed"
        raise Refused("There is nothing to close.", [Fault(TOKENS, message, f"bulkhead secrets rotate {stage}")])
    return Slots(slots.active, {slots.active: slots.windows[slots.active]})


def next_commands(stage: str, identities: Typed, own: Typed, *, close: bool) -> list[str]:
    """Return the commands that come next, in order: they make the tokens, hand them out and deploy with them, or, after
    a slot was closed, end its tokens. ``identities`` and ``own`` say how a command about each stack is typed."""
    up = f"{identities('up')} --policy-pack ../policies"  # -C changes the folder before anything is looked up
    if close:
        return [up]
    return [
        up,
        f"{identities('stack output deployToken --show-secrets')} | bulkhead secrets set {stage} cloudflareApiToken",
        f"{own('up')} --policy-pack policies",
        f"bulkhead secrets rotate {stage} --close    # when every deployment runs on the new ones",
    ]
