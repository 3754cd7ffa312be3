"""Whether a stage has all its secrets, none too old and none too many (pure): no value is ever looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import TOKENS, Slots, read_slots
from bulkhead.model.product import Product
from bulkhead.model.settings.encryption import encryption_faults
from bulkhead.model.settings.reader import StackFile
from bulkhead.operations.secrets.files import IDENTITIES, Keeper, in_the_clear, stored, stored_on

State = Literal["missing", "in the clear", "unused", "stale", "of unknown age", "expired", "expiring", "set"]
_STOPS: Final = frozenset({"missing", "in the clear", "stale", "expired"})
# The program itself needs these, so the product cannot set their age.
_ROTATE_AFTER_DAYS: Final = 90
_EXPIRES_SOON: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one secret in one file, or of the tokens in one slot. ``fix`` is the command that mends it."""

    name: str
    file: str
    state: State
    says: str
    fix: str = ""

    @property
    def stops(self) -> bool:
        return self.state in _STOPS


def check(
    product: Product, files: Mapping[Keeper, StackFile], now: datetime
) -> tuple[tuple[Finding, ...], tuple[Fault, ...]]:
    """Return what is known of every secret at ``now``, in UTC, and the faults of the files themselves."""
    readable = [(keeper, file) for keeper, file in files.items() if file.was_read]
    findings = [found for keeper, file in readable for found in _secrets(product, keeper, file, now.date())]
    for keeper, file in readable:
        if keeper.folder == IDENTITIES:
            findings += _tokens(file, keeper, now)
    broken = [fault for file in files.values() for fault in file.faults]
    # The two keys of a stage differ, but that is not what SEC-4 is about: each file is judged alone.
    wrong = [fault for file in files.values() for fault in encryption_faults([file])]
    return tuple(findings), (*broken, *wrong)


def _secrets(product: Product, keeper: Keeper, file: StackFile, today: date) -> Iterator[Finding]:
    ages = {secret.name: secret.rotate_after_days for secret in product.secrets}
    store = f"bulkhead secrets set {keeper.stack} "
    for name in keeper.required:
        if name in in_the_clear(file):
            says = "stands in the file for everybody to read: revoke it, then store a new one"
            yield Finding(name, keeper.name, "in the clear", says, store + name)
        elif name not in stored(file):
            yield Finding(name, keeper.name, "missing", f"{keeper.stack} cannot be deployed without it", store + name)
        else:
            yield _aged(name, keeper, stored_on(file, name), ages.get(name, _ROTATE_AFTER_DAYS), today)
    for name in sorted((stored(file) | in_the_clear(file)) - set(keeper.required)):
        remove = keeper.command(f"config rm secrets:{name}")
        if name in in_the_clear(file):
            says = "stands in the file for everybody to read, and nobody needs it: revoke it where it was made"
            yield Finding(name, keeper.name, "in the clear", says, remove)
            continue
        yield Finding(name, keeper.name, "unused", "nobody needs it: revoke it where it was made", remove)


def _aged(name: str, keeper: Keeper, since: date | None, days: int, today: date) -> Finding:
    renew = f"bulkhead secrets set {keeper.stack} {name}"
    if since is None:
        says = "nobody wrote down when it was stored, so nobody knows when it is due"
        return Finding(name, keeper.name, "of unknown age", says, renew)
    age = (today - since).days
    if age < 0:
        says = f"was stored on {since}, which is yet to come, so nobody knows when it is due"
        return Finding(name, keeper.name, "of unknown age", says, renew)
    if age > days:
        return Finding(name, keeper.name, "stale", f"{age} days old, and due after {days}", renew)
    return Finding(name, keeper.name, "set", f"{age} days old, due in {days - age}")


def _tokens(file: StackFile, keeper: Keeper, now: datetime) -> Iterator[Finding]:
    rotate = f"bulkhead secrets rotate {keeper.stack}"
    try:
        slots = read_slots(file.config.get(TOKENS), keeper.stack)
    except Refused as refused:
        for fault in refused.faults:
            yield Finding(fault.key, keeper.name, "missing", fault.message, rotate)
        return
    yield from _slots(slots, keeper, now, rotate)


def _slots(slots: Slots, keeper: Keeper, now: datetime, rotate: str) -> Iterator[Finding]:
    for slot, window in slots.windows.items():
        name, left = f"tokens, slot {slot}", window.ends - now
        ends = f"until {window.ends:%Y-%m-%d}"
        if slot != slots.active:
            says = f"{ends}; not handed out any more: close it once every deployment runs on the other"
            yield Finding(name, keeper.name, "unused", says, f"{rotate} --close")
        elif window.begins > now:
            says = f"begins on {window.begins:%Y-%m-%d}: until then no pipeline can reach Cloudflare or a closed stage"
            yield Finding(name, keeper.name, "expired", says, rotate)
        elif left <= timedelta(0):
            says = f"{ends}: no pipeline can reach Cloudflare, or get past the login of a closed stage"
            yield Finding(name, keeper.name, "expired", says, rotate)
        elif left <= _EXPIRES_SOON:
            yield Finding(name, keeper.name, "expiring", f"{ends}, {left.days} days", rotate)
        else:
            yield Finding(name, keeper.name, "set", ends)


def as_json(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "file": finding.file,
        "state": finding.state,
        "says": finding.says,
        "stops": finding.stops,
        "fix": finding.fix,
    }
