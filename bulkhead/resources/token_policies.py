"""What the policies of a Cloudflare token open (pure): permission groups, each on what a policy names.

A policy names resources by keys: an account, a zone, a bucket. A key's value is ``*``, or, below an account, an object
of such keys: ``{"com.cloudflare.api.account.A": {"com.cloudflare.api.account.zone.*": "*"}}`` are all zones of A.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bulkhead.resources.permissions import GROUPS, Permission, Reach
from bulkhead.resources.values import at, listed

_GROUPS: Final = {group.id: group for group in GROUPS}
_KEY: Final = re.compile(
    r"com\.cloudflare\.(?:api\.(?:account\.zone\.(?P<zone>.+)|account\.(?P<account>.+)|user\.(?P<user>.+))"
    r"|edge\.r2\.bucket\.(?P<bucket>\*|[^_]+_[^_]+_.+))"
)
EVERY: Final = "*"
"""The id in a key that stands for all of a kind."""


def account_key(account: str) -> str:
    return f"com.cloudflare.api.account.{account}"


def zone_key(zone: str) -> str:
    return f"com.cloudflare.api.account.zone.{zone}"


def bucket_key(account: str, bucket: str, jurisdiction: str = "default") -> str:
    return f"com.cloudflare.edge.r2.bucket.{account}_{jurisdiction}_{bucket}"


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about. Without account and zone it is about whatever the token reaches, as ``GET /zones``. One
    name of a bucket is another bucket in each jurisdiction."""

    account: str = ""
    zone: str = ""
    bucket: str = ""
    jurisdiction: str = "default"


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. ``keys`` are the resources, each with the account it is said below of, if any."""

    allows: bool
    groups: frozenset[Permission]
    keys: tuple[tuple[str, str], ...]

    def on(self, target: Target) -> frozenset[Permission]:
        """Return the groups that this policy is about where a request is about ``target``."""
        return frozenset(group for group in self.groups if any(_covers(key, group, target) for key in self.keys))

    def without(self, name: str) -> Policy:
        """Return the policy without the groups of a name."""
        return replace(self, groups=frozenset(group for group in self.groups if group.name != name))


def read_policies(policies: Iterable[Any]) -> tuple[Policy, ...]:
    """Return policies that are written as Pulumi spells them; a group that nobody here knows opens nothing."""
    return tuple(
        Policy(
            at(policy, "effect") == "allow",
            frozenset(
                _GROUPS[id_] for group in listed(policy, "permissionGroups") if (id_ := at(group, "id")) in _GROUPS
            ),
            tuple(reached(at(policy, "resources")) or ()),
        )
        for policy in policies
    )


def granted(policies: Iterable[Policy], target: Target) -> frozenset[str]:
    """Return the names of the groups that a token has on a target. A denial takes its groups away again."""
    found: dict[bool, set[Permission]] = {True: set(), False: set()}
    for policy in policies:
        found[policy.allows] |= policy.on(target)
    return frozenset(group.name for group in found[True] - found[False])


def names_in(policies: Iterable[Policy]) -> frozenset[str]:
    """Return the names of all groups that policies allow somewhere."""
    return frozenset(group.name for policy in policies if policy.allows for group in policy.groups)


def admits(condition: Any, address: str) -> bool:
    """Whether a token with this condition, as Pulumi spells it, may be used from an address."""
    limits = at(condition, "requestIp")
    here = ipaddress.ip_address(address)

    def holds(name: str) -> bool:
        return any(here in ipaddress.ip_network(block, strict=False) for block in listed(limits, name))

    return (not listed(limits, "ins") or holds("ins")) and not holds("notIns")


def is_resource(key: str) -> bool:
    """Whether a key names an account, a zone, a bucket or a user."""
    return _KEY.fullmatch(key) is not None


def zone_in(key: str) -> str | None:
    """Return the single zone that a key names, if it does."""
    found = _KEY.fullmatch(key)
    return found["zone"] if found and found["zone"] not in (None, EVERY) else None


def reached(value: Any) -> list[tuple[str, str]] | None:
    """Return what a policy reaches, each with the account it is said below of, if any; None where it is not known."""
    document = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    if not isinstance(document, Mapping):
        return None
    found: list[tuple[str, str]] = []
    for key, below in document.items():
        if isinstance(below, Mapping):
            found += [(inner, key.removeprefix(account_key(""))) for inner in below]
        else:
            found.append((key, ""))
    return found


def _covers(key: tuple[str, str], group: Permission, target: Target) -> bool:
    """Whether a policy on a key has a group where a request is about ``target``. A group of accounts says nothing on a
    zone's key, and the other way round."""
    name, below = key
    found = _KEY.fullmatch(name)
    if found is None or found.lastgroup != group.reach.value:
        return False
    if not target.account and not target.zone:
        return True
    if below not in ("", EVERY, target.account):
        return False
    id_ = found[found.lastgroup]
    if group.reach is Reach.BUCKET and id_ != EVERY:
        return bool(target.bucket) and name == bucket_key(target.account, target.bucket, target.jurisdiction)
    if group.reach is Reach.ZONE and not target.zone:
        return id_ == EVERY  # what is about a whole account needs a group of zones on all of them
    wanted = {Reach.ACCOUNT: target.account, Reach.ZONE: target.zone, Reach.BUCKET: target.bucket}.get(group.reach)
    return bool(wanted) and id_ in (wanted, EVERY)
