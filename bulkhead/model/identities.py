"""What the stack of a stage's identities is configured with, besides the stage's own settings (pure).

``identities:tokens`` holds two slots, ``a`` and ``b``, each with the instants between which its tokens are valid, and
which of them is ``active``. A rotation opens the other slot, makes it active, and closes the first one when nobody uses
it any more, so that no deployment is ever without a valid token::

    identities:tokens:
      active: a
      a: {begins: "2026-11-21T00:00:00Z", ends: "2027-02-09T00:00:00Z"}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.instants import instant
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product

SPACE: Final = "identities"
TOKENS: Final = f"{SPACE}:tokens"
PROFILE: Final = f"{SPACE}:awsProfile"
SLOTS: Final = ("a", "b")
LONGEST_LIFE: Final = timedelta(days=90)

# Credentials that make tokens and environments. Only the identities' stack has them, and only a person brings it up.
TOKEN_MAKER: Final = "cloudflareTokenMaker"  # noqa: S105 - the name of the secret, no secret
GITHUB_TOKEN: Final = "githubToken"  # noqa: S105

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when the tokens of a slot are valid."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Slots:
    """The open slots, and which of them is handed out."""

    active: str
    windows: Mapping[str, Window]


def required_secrets(product: Product) -> tuple[str, ...]:
    """Return the names of the secrets that the identities of a stage need: the credentials that make them, and those
    that the pipeline gets."""
    return tuple(sorted({TOKEN_MAKER, GITHUB_TOKEN, *(each.name for each in product.secrets if each.pipeline)}))


def require_stage(stack: str) -> Stage:
    """Return the stage of a stack. Raises Refused when it is none: a pull request's stack has no identities."""
    if stack in set(Stage):
        return Stage(stack)
    message = "is no stage; the stack of a pull request is deployed by development's identities"
    raise Refused(
        "There are no identities of this stack.", [Fault(stack, message, "pulumi up -C identities -s development")]
    )


def read_slots(value: Any, stage: str) -> Slots:
    """Return the slots in ``identities:tokens``. Raises Refused with every fault."""
    faults = list(_faults(value, stage))
    if faults:
        raise Refused(f"The identities of {stage} cannot be brought up.", faults)
    return Slots(value["active"], {slot: _window(value[slot]) for slot in SLOTS if slot in value})


def spelt(slots: Slots) -> dict[str, Any]:
    """Return the slots in the form of the stack's file."""
    return {"active": slots.active} | {
        slot: {"begins": instant(window.begins), "ends": instant(window.ends)} for slot, window in slots.windows.items()
    }


def _faults(value: Any, stage: str) -> Iterator[Fault]:
    rotate = f"bulkhead secrets rotate {stage}"
    if not isinstance(value, Mapping):
        yield Fault(TOKENS, "is missing: there would be no token to deploy with", rotate)
        return
    # `secrets rotate` refuses slots that it cannot read, so they have to be corrected or removed first.
    rotate = (
        f"correct it, or take it away and begin anew: pulumi config rm {TOKENS} -C identities -s {stage} && {rotate}"
    )
    for key in sorted(set(value) - {"active", *SLOTS}):
        yield Fault(f"{TOKENS}.{key}", "is read by nothing; there are active, a and b", f"remove it; {rotate}")
    if value.get("active") not in SLOTS or value["active"] not in value:
        yield Fault(f"{TOKENS}.active", "must name a slot that is there, or no pipeline gets a token", rotate)
    for slot in (slot for slot in SLOTS if slot in value):
        yield from _slot_faults(slot, value[slot], rotate)


def _slot_faults(slot: str, value: Any, rotate: str) -> Iterator[Fault]:
    if not isinstance(value, Mapping) or set(value) != {"begins", "ends"}:
        yield Fault(f"{TOKENS}.{slot}", "must have begins and ends, and nothing else", rotate)
        return
    wrong = [end for end in ("begins", "ends") if not _is_instant(value[end])]
    for end in wrong:
        message = "must be an instant of UTC in quotes, such as '2027-02-09T00:00:00Z'"
        yield Fault(f"{TOKENS}.{slot}.{end}", message, rotate)
    if wrong:
        return
    window = _window(value)
    if window.ends <= window.begins:
        yield Fault(f"{TOKENS}.{slot}.ends", "must be after begins: such a token would never be valid", rotate)
    elif window.ends - window.begins > LONGEST_LIFE:
        message = (
            f"is more than {LONGEST_LIFE.days} days after begins: a leaked token would stay good for too long (SEC-7)"
        )
        yield Fault(f"{TOKENS}.{slot}.ends", message, rotate)


def _is_instant(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(_INSTANT.fullmatch(value)) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _window(value: Mapping[str, str]) -> Window:
    return Window(datetime.fromisoformat(value["begins"]), datetime.fromisoformat(value["ends"]))
