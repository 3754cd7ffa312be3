"""Where resources live: what a provider that turns to another account leaves there, unwatched.

A provider that is changed in place replaces nothing. The engine then asks another account, region or owner for what the
state holds, finds nothing there, and makes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.kind import PROVIDER
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, leaves, listed

_ACCOUNT: Final = "allowedAccountIds"
_REGION: Final = "region"
# The roles that a provider of AWS takes, one after the other: the last says in which account it is. Before pulumi-aws 7
# there was one `assumeRole`.
_ROLES: Final = ("assumeRoleWithWebIdentity", "assumeRole", "assumeRoles")
_CREDENTIALS: Final = ("profile", "accessKey", "token", "sharedConfigFiles", "sharedCredentialsFiles")
# What of a provider says where it looks, beside AWS's account. Of Cloudflare's resources each names its own account.
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "aws": (_REGION, "endpoints"),
    "cloudflare": ("baseUrl",),
    "github": ("owner", "organization", "baseUrl"),
}
_DEFAULT: Final = "default"  # how the engine names a provider that no program has made
_NAMED: Final = 3
_FIX: Final = "leave the provider where it looks; make a second one for what is to be new elsewhere"


def turned(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A provider turns to another account, region or owner under what it manages."""
    if not change.type.startswith(PROVIDER) or change.action not in {"update", "replace"}:
        return
    elsewhere = list(_elsewhere(change))
    left = [one for one in plan.managed_by(change.urn) if elsewhere != [_REGION] or one.was(_REGION) is MISSING]
    if elsewhere and left:
        some = ", ".join(map(str, left[:_NAMED])) + (f" and {len(left) - _NAMED} more" if left[_NAMED:] else "")
        lost = f"{some}: looked for by another {' and another '.join(elsewhere)} from then on, where they are not"
        yield Loss("rehomed", change, lost, _FIX)


def handed(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A store, a Worker or the guard of a bucket is handed to a provider that may look in another account."""
    if change.action not in {"same", "update"} or change.old is None or change.new is None or not _matters(change):
        return
    was, becomes = change.old.provider, change.new.provider
    if not (was and becomes) or _is_one(was, becomes):
        return
    before, after = (plan.provider(reference) for reference in (was, becomes))
    if before is None and after is not None and after.old is not None and after.old.id == was.rpartition("::")[2]:
        return  # the same provider under another logical name
    if before is not None and after is not None and before.type == after.type:
        over = replace(after, old=before.old or before.new, paths=tuple(after.new.inputs) if after.new else ())
        if over.old and over.new and _tells(over) and not any(_elsewhere(over)):
            return
    name, other = (reference.rpartition("::")[0].rpartition("::")[2] for reference in (was, becomes))
    lost = f"the {change.kind} is looked for by the provider {other} instead of {name}, perhaps in another account"
    yield Loss("rehomed", change, lost, f"leave its provider {name}, or let both say the same account")


def _matters(change: ResourceChange) -> bool:
    guard = change.row.guards if change.row else None
    return bool(change.holds_data or (guard and guard.lost)) or change.type in t.SCRIPTS


def _is_one(was: str, becomes: str) -> bool:
    """Whether two references are to one provider, or to two that the engine has made of one environment."""
    urns = [reference.rpartition("::")[0] for reference in (was, becomes)]
    return urns[0] == urns[1] or all(urn.rpartition("::")[2].startswith(_DEFAULT) for urn in urns)


def _tells(provider: ResourceChange) -> bool:
    """Whether a provider says of which account it is; a token does not tell."""
    package = provider.type.removeprefix(PROVIDER)
    return package == "aws" or any(provider.becomes(path) is not MISSING for path in _PLACES.get(package, ()))


def _elsewhere(provider: ResourceChange) -> Iterator[str]:
    """Yield the inputs by which a provider looks elsewhere than before, or may."""
    package = provider.type.removeprefix(PROVIDER)
    if package == "aws" and not _keeps_account(provider):
        yield _ACCOUNT
    for path in _PLACES.get(package, ()):
        if _parsed(provider.old, path) != _parsed(provider.new, path) or (
            provider.becomes(path) is UNKNOWN and provider.differs(path)
        ):
            yield path


def _keeps_account(provider: ResourceChange) -> bool:
    was, becomes = (_accounts(side) for side in (provider.old, provider.new))
    if was and becomes:
        return becomes <= was and UNKNOWN not in becomes
    # Without an account in words, it is the one of the credentials.
    return not was and not any(provider.differs(path) for path in (*_CREDENTIALS, *_ROLES))


def _accounts(side: Any) -> frozenset[Any]:
    """Return the accounts that a provider of AWS may be in: those it is held to, else that of the role it takes."""
    allowed = _parsed(side, _ACCOUNT)
    found = frozenset(leaves(allowed)) - {MISSING}
    taken = [role for path in _ROLES for role in listed(_parsed(side, path))]
    role = at(taken[-1], "roleArn") if taken else MISSING
    if found or not isinstance(role, str):
        return found
    parts = role.split(":")
    return frozenset(parts[4:5])


def _parsed(side: Any, path: str) -> Any:
    """Return an input of a provider: nested ones travel as JSON."""
    value = MISSING if side is None else at(side.inputs, path)
    return document({"it": value}, "it") if isinstance(value, str) and value[:1] in "[{" and value else value
