"""Rules about Cloudflare tokens: what a token can reach, and for how long.

Left out: a list of the permissions that a token may have. A token names its permission groups by id, and only the API
knows their names. Two ids are known here, because no token of a stage may ever have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bulkhead.resources import types as t
from bulkhead.resources.catalogue import superseded_by
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.permissions import ACCOUNT_TOKENS_WRITE, API_TOKENS_WRITE
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation

_TOKENS: Final = (t.ACCOUNT_TOKEN, *superseded_by(t.ACCOUNT_TOKEN))
_LONGEST_LIFE: Final = timedelta(days=90)
_MINTING: Final = {group.id: group.name for group in (API_TOKENS_WRITE, ACCOUNT_TOKENS_WRITE)}
# The kinds of resources in a token's policies, as the keys of `resources` spell them.
_ZONE: Final = re.compile(r"com\.cloudflare\.api\.account\.zone\.(?P<zone>[^.*]+)")
_ACCOUNT: Final = re.compile(r"com\.cloudflare\.api\.account\.(?P<account>[^.*]+)")
_BUCKET: Final = re.compile(r"com\.cloudflare\.edge\.r2\.bucket\.(?P<account>[^_*]+)_[^_]+_(?P<bucket>.+)")


def _allowing(resource: ObservedResource) -> Iterator[Any]:
    """Yield a token's policies that grant something; one whose effect is not known yet is judged later, when it is
    known."""
    for policy in listed(resource.props, "policies"):
        if at(policy, "effect") == "allow":
            yield policy


def _too_broad(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    for policy in _allowing(resource):
        resources = document(policy, "resources")
        if resources is UNKNOWN:
            continue
        if not isinstance(resources, Mapping) or not resources:
            yield _broad("has a policy that is limited to no resource")
        for key in sorted(_keys(resources)):
            if "*" in key:
                yield _broad(f"reaches every resource that matches {key}")


def _keys(resources: Any) -> set[str]:
    """Return every resource that ``resources`` names; those of an account are nested below it."""
    if not isinstance(resources, Mapping):
        return set()
    below = (_keys(value) for value in resources.values())
    return {str(key) for key in resources}.union(*below)


def _broad(wrong: str) -> Violation:
    causes = "Whoever gets hold of the token can change zones and accounts that the stage has nothing to do with"
    return Violation(wrong, causes, "name the stage's account, its zone, or a single bucket as the resource")


def _without_expiry(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    ends, begins = resource["expiresOn"], resource["notBefore"]
    if ends is MISSING or ends == "":
        wrong = "never expires"
    # A token without a start is valid immediately.
    elif (life := lifetime(_now() if begins is MISSING else begins, ends)) is not None and life > _LONGEST_LIFE:
        wrong = f"is valid for {life.days} days"
    else:
        return
    yield Violation(
        wrong,
        "A leaked token stays good for as long as nobody notices the leak",
        f"expires_on={_LONGEST_LIFE.days} days after not_before at most, and a new token before that",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat()


def lifetime(begins: Any, ends: Any) -> timedelta | None:
    """Return how long a token is valid, None if one of the instants is missing, not known or invalid."""
    if not isinstance(begins, str) or not isinstance(ends, str):
        return None
    try:
        first, last = (datetime.fromisoformat(instant) for instant in (begins, ends))
    except ValueError:
        return None
    first, last = (instant if instant.tzinfo else instant.replace(tzinfo=UTC) for instant in (first, last))
    return last - first


def _foreign(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    own = context.settings.cloudflare
    wrongs = []
    name, account = resource["name"], resource["accountId"]
    if isinstance(name, str) and not name.startswith(context.prefix):
        wrongs.append(f"is called {name}, which does not begin with {context.prefix}")
    if isinstance(account, str) and account != own.account_id:
        wrongs.append("belongs to an account that is not the stage's")
    keys = {key for policy in _allowing(resource) for key in _keys(document(policy, "resources"))}
    for key in sorted(keys):
        if (zone := _ZONE.fullmatch(key)) is not None:
            foreign = zone["zone"] != own.zone_id
        elif (bucket := _BUCKET.fullmatch(key)) is not None:
            foreign = bucket["account"] != own.account_id or not bucket["bucket"].startswith(context.prefix)
        elif (whole := _ACCOUNT.fullmatch(key)) is not None and whole["account"] != "zone":
            foreign = whole["account"] != own.account_id
        else:
            foreign = False
        if foreign:
            wrongs.append(f"reaches {key}, which is not the stage's")
    for wrong in wrongs:
        yield Violation(
            wrong,
            "With the token of one stage the other can be read and changed, so one leak opens both",
            "take the account, the zone and the names from the stage's settings, one token per stage",
        )


def _can_mint(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    groups = (group for policy in _allowing(resource) for group in listed(policy, "permissionGroups"))
    ids = {str(at(group, "id")) for group in groups}
    for name in sorted(_MINTING[id_] for id_ in ids & _MINTING.keys()):
        yield Violation(
            f"has the permission {name}",
            "Whoever holds it can make itself a token with every permission, and no limit of this one counts",
            "leave it out: the token that makes tokens is kept outside the stage",
        )


def _user_owned(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    yield Violation(
        "belongs to a person",
        "It can reach what that person can reach, and stops working on the day the person leaves",
        "AccountToken with the stage's account_id",
    )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "token-too-broad",
        ("SEC-6", "SEC-7"),
        "A token can reach named accounts, zones and buckets only",
        _TOKENS,
        _too_broad,
    ),
    Rule("token-without-expiry", ("SEC-7",), "A leaked token ends by itself", _TOKENS, _without_expiry),
    Rule(
        "token-of-another-stage", ("SEC-7", "ENV-3"), "A token reaches what is its own stage's only", _TOKENS, _foreign
    ),
    Rule("token-can-mint-tokens", ("SEC-6", "SEC-7"), "No token of a stage can widen itself", _TOKENS, _can_mint),
    Rule("token-user-owned", ("SEC-7",), "A stage's tokens belong to its account", (t.API_TOKEN,), _user_owned),
)
