"""Rules about Cloudflare tokens and Access: what a token can reach and for how long, and who gets past the login.

Left out: a list of the permissions that a token may have. A token names its permission groups by id, and only the API
knows their names. Two ids are known here, because no token of a stage may ever have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any, Final

from bulkhead.model.access import ANYBODYS_MAIL
from bulkhead.model.naming import Stage
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import superseded_by
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.permissions import ACCOUNT_TOKENS_WRITE, API_TOKENS_WRITE
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, document, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

_TOKENS: Final = (t.ACCOUNT_TOKEN, *superseded_by(t.ACCOUNT_TOKEN))
_APPLICATIONS: Final = (
    t.ZERO_TRUST_ACCESS_APPLICATION,
    *superseded_by(t.ZERO_TRUST_ACCESS_APPLICATION),
)
_POLICIES: Final = (t.ZERO_TRUST_ACCESS_POLICY, *superseded_by(t.ZERO_TRUST_ACCESS_POLICY))
_LONGEST_LIFE: Final = timedelta(days=90)
_MINTING: Final = {group.id: group.name for group in (API_TOKENS_WRITE, ACCOUNT_TOKENS_WRITE)}
# The kinds of resources in a token's policies, as the keys of `resources` spell them.
_ZONE: Final = re.compile(r"com\.cloudflare\.api\.account\.zone\.(?P<zone>[^.*]+)")
_ACCOUNT: Final = re.compile(r"com\.cloudflare\.api\.account\.(?P<account>[^.*]+)")
_BUCKET: Final = re.compile(r"com\.cloudflare\.edge\.r2\.bucket\.(?P<account>[^_*]+)_[^_]+_(?P<bucket>.+)")
# Nobody has more addresses than these prefixes, by version: larger ones are those of many.
_LARGEST_NETWORK: Final[Mapping[int, int]] = {4: 8, 6: 19}
_ANY_DECISION: Final = {"allow": "whoever can log in anywhere", "non_identity": "anybody, without a login"}


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


def _open_to_public(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """Judges existing applications only: no rule demands that a stage has Access."""
    applications = [each for each in stack.of(*_APPLICATIONS) if each["type"] in ("self_hosted", MISSING)]
    if context.stage is not Stage.STAGING or not applications:
        return
    covered = [cover for each in applications for cover in _covers(each, context)]
    if UNKNOWN in covered:
        return
    for host in sorted(context.hostnames):
        if not any(isinstance(cover, str) and fnmatchcase(host, cover) for cover in covered):
            yield Violation(
                f"leaves {host} open: no Access application covers it with all its paths",
                "Anybody can open staging there, with the copied data it may hold",
                f"add {host} to the application, without a path",
                applications[0],
            )


def _covers(application: ObservedResource, context: PolicyContext) -> Iterator[str | Absent]:
    """Yield the patterns of hostnames that an application covers with all their paths."""
    destinations, apex = listed(application.props, "destinations"), context.settings.cloudflare.hostname
    hostnames = [
        application["domain"],
        *listed(application.props, "selfHostedDomains"),
        *(at(each, "uri") for each in destinations if at(each, "type") in ("public", MISSING, UNKNOWN)),
    ]
    kinds = [at(each, "type") for each in destinations]
    if "all_workers" in kinds:
        yield "*"
    if "worker" in kinds:  # covers every address of the Worker; the source of the id shows which Worker it is
        sources, hosts = application.sources("destinations", t.WORKER), context.product.hostnames(apex)
        workers = [context.worker(str(each["name"])) for each in sources]
        yield from (hosts[each.name] for each in workers if each and each.name in hosts)
        if not sources:
            yield UNKNOWN
    texts = [each for each in hostnames if isinstance(each, str)]
    for text in texts:
        host, _, path = text.lower().removeprefix("https://").partition("/")
        if path in {"", "*"}:
            yield host
    if any(each is UNKNOWN for each in hostnames):
        yield UNKNOWN
    # The API fills in those lists that a program leaves out; during a preview they are unknown then.
    for name in ("selfHostedDomains", "destinations"):
        if application[name] is UNKNOWN and (application.sources(name) or not texts):
            yield UNKNOWN


def _bypassed(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if resource.type == t.ZERO_TRUST_ACCESS_GROUP and resource["isDefault"] is True:
        yield Violation(
            "lets its members past every application of the account that names no group",
            "An application of another stage admits them too, and nobody sees that in its policies",
            "leave is_default off, and name the group in the policies that mean it",
        )
    policies = listed(resource.props, "policies") if resource.type in _APPLICATIONS else [resource.props]
    for policy in policies:
        # A group decides nothing itself: a policy admits its members.
        decision = "allow" if resource.type == t.ZERO_TRUST_ACCESS_GROUP else at(policy, "decision")
        if decision == "bypass":
            yield Violation(
                "lets visitors past Access by a policy that bypasses it",
                "Whoever it matches is let in without a login and without an entry in the log",
                "decision 'allow' for people, 'non_identity' with a service token for machines",
            )
        if not isinstance(decision, str) or decision not in _ANY_DECISION:
            continue
        confined = [each for each in listed(policy, "requires") if not _anybody([each])]
        if at(policy, "requires") is UNKNOWN or confined:
            continue
        if _anybody(listed(policy, "includes")):
            yield Violation(
                f"lets {_ANY_DECISION[decision]} past Access",
                "The application looks protected and is open",
                "require a group, a mail domain or a service token, or include one in place of everybody",
            )


def _anybody(rules: list[Any]) -> bool:
    """Whether one of several rules admits whom nobody chose: everybody, a country, a mail service that is open to all,
    or addresses that together are a large part of the internet."""
    for rule in rules:
        domain = at(rule, "emailDomain", "domain")
        everybody = not isinstance(at(rule, "everyone"), Absent) or not isinstance(at(rule, "geo"), Absent)
        if everybody or (isinstance(domain, str) and domain.lower() in ANYBODYS_MAIL):
            return True
    return any(_is_large(version, rules) for version in (4, 6))


def _is_large(version: int, rules: list[Any]) -> bool:
    said = (_network(at(rule, "ip", "ip")) for rule in rules)
    networks: list[Any] = [each for each in said if each is not None and each.version == version]
    addresses: int = sum(each.num_addresses for each in collapse_addresses(networks))
    most: int = 2 ** ({4: 32, 6: 128}[version] - _LARGEST_NETWORK[version])
    return addresses > most


def _network(text: Any) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


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
    StackRule(
        "staging-open-to-public", ("STG-8",), "Access covers every hostname of staging once it is used", _open_to_public
    ),
    Rule(
        "access-bypass",
        ("STG-8",),
        "Nobody gets past Access without being known",
        (*_APPLICATIONS, *_POLICIES, t.ZERO_TRUST_ACCESS_GROUP),
        _bypassed,
    ),
)
