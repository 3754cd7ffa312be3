"""Rules about the login before a stage: where it stands, and who gets past it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any, Final

from bulkhead.model.access import ANYBODYS_MAIL, covers
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import superseded_by
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

_APPLICATIONS: Final = (
    t.ZERO_TRUST_ACCESS_APPLICATION,
    *superseded_by(t.ZERO_TRUST_ACCESS_APPLICATION),
)
_POLICIES: Final = (t.ZERO_TRUST_ACCESS_POLICY, *superseded_by(t.ZERO_TRUST_ACCESS_POLICY))
# Nobody has more addresses than these prefixes, by version: larger ones are those of many.
_LARGEST_NETWORK: Final[Mapping[int, int]] = {4: 8, 6: 19}
_SIDES: Final = ("includes", "requires", "excludes")
_ANY_DECISION: Final = {"allow": "whoever can log in anywhere", "non_identity": "anybody, without a login"}


def _open_to_public(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """The identities of a closed stage have its login; an application of the stage itself must cover all of it too."""
    applications = [each for each in stack.of(*_APPLICATIONS) if each["type"] in ("self_hosted", MISSING)]
    if context.settings.access.public or not (applications or context.identities):
        return
    covered = [cover for each in applications for cover in _covers(each, context)]
    if UNKNOWN in covered:
        return
    for host in sorted(context.hostnames):
        if not any(isinstance(pattern, str) and covers(pattern, host) for pattern in covered):
            yield Violation(
                f"leaves {host} open: no Access application covers it with all its paths",
                f"Anybody can open {context.stage} there, with the copied data it may hold",
                f"add {host} to the application, without a path, or set access.public to true",
                applications[0] if applications else None,
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
        yield from context.hostnames
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
        any_token = any(not isinstance(at(each, "anyValidServiceToken"), Absent) for each in listed(policy, "includes"))
        account = context.settings.cloudflare.account_id
        if any_token and any(other.settings.cloudflare.account_id == account for other in context.others):
            yield Violation(
                "lets in whoever has any service token of the account",
                "The key of another stage, or of something else in the account, opens this one",
                "include the stage's own service tokens, by their ids",
            )
        confined = [each for each in listed(policy, "requires") if not _anybody([each])]
        if at(policy, "requires") is UNKNOWN or confined:
            continue
        if _anybody(listed(policy, "includes")):
            yield Violation(
                f"lets {_ANY_DECISION[decision]} past Access",
                "The application looks protected and is open",
                "require a group, a mail domain or a service token, or include one in place of everybody",
            )


def _foreign(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    own, name, account = context.settings.cloudflare, resource["name"], resource["accountId"]
    wrongs = []
    if isinstance(name, str) and not name.startswith(context.prefix):
        wrongs.append(f"is called {name}, which does not begin with {context.prefix}")
    if isinstance(account, str) and account != own.account_id:
        wrongs.append("is in an account that is not the stage's")
    for wrong in wrongs:
        yield Violation(
            wrong,
            "In the list of an account's logins nobody sees whose it is, and `adopt` may take another stage's for it",
            f"take the account from the stage's settings, and a name that begins with {context.prefix}",
        )


def _left_to_the_api(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    policies = listed(resource.props, "policies") if resource.type in _APPLICATIONS else [resource.props]
    if resource["sessionDuration"] in (MISSING, ""):
        yield Violation(
            "does not say how long a login lasts",
            "What Access fills in comes back otherwise, and each up changes it "
            "(cloudflare/terraform-provider-cloudflare#7165)",
            'session_duration="24h", or what access.sessionHours says',
        )
    rules = [rule for policy in policies for side in _SIDES for rule in listed(policy, side)]
    for block in (at(rule, "ip", "ip") for rule in rules):
        if isinstance(block, str) and "/" not in block:
            yield Violation(
                f"names the address {block} without its mask",
                "Access answers it with one, and each up changes it (cloudflare/terraform-provider-cloudflare#6059)",
                f'"{block}/{128 if ":" in block else 32}"',
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
    StackRule(
        "stage-open-to-public", ("STG-8",), "A login stands before every hostname of a closed stage", _open_to_public
    ),
    Rule(
        "access-bypass",
        ("STG-8",),
        "Nobody gets past Access without being known",
        (*_APPLICATIONS, *_POLICIES, t.ZERO_TRUST_ACCESS_GROUP),
        _bypassed,
    ),
    Rule(
        "access-of-another-stage",
        ("STG-8", "ENV-3"),
        "A login and its keys are the stage's own",
        (*_APPLICATIONS, *_POLICIES, t.ZERO_TRUST_ACCESS_GROUP, t.ZERO_TRUST_ACCESS_SERVICE_TOKEN),
        _foreign,
    ),
    Rule(
        "access-left-to-the-api",
        ("STG-8", "QLT-11"),
        "What Access would fill in otherwise is said",
        (*_APPLICATIONS, *_POLICIES),
        _left_to_the_api,
    ),
)
