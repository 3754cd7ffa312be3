"""What stood before the whole stage: the login of an address, a firewall of the zone, a log's delivery, a private
repository.

The policies judge what is there, and demand none of these; so that one goes is seen here alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bulkhead.preview.change import ResourceChange, Side
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.statements import matches
from bulkhead.resources.values import UNKNOWN, listed

_LOGINS: Final = (t.ZERO_TRUST_ACCESS_APPLICATION, t.ACCESS_APPLICATION)
_OTHERS: Final = (t.RULESET, t.LOGPUSH_JOB)
_DEFENCES: Final = ("firewall", "ratelimit", "ddos")  # as the names of phases have it; others redirect, cache, rewrite
_ADDRESSES: Final = ((t.WORKERS_CUSTOM_DOMAIN, "hostname"), (t.WORKERS_ROUTE, "pattern"), (t.DNS_RECORD, "name"))


def login(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """An address that goes on answering has no login any more."""
    if change.type not in _LOGINS or not _leaves(change):
        return
    after = plan.once("logins", lambda: [one for app in plan.of(*_LOGINS) for one in _behind(app.new)])
    served = plan.once(
        "addresses", lambda: {_host(one.becomes(path)) for type_, path in _ADDRESSES for one in plan.of(type_)}
    )
    for address in dict.fromkeys(_behind(change.old)):
        if _host(address) in served and not any(_includes(one, address) for one in after):
            fix = "let an application stand before it, or take the address away as well"
            yield Loss("guard-removed", change, f"the login before {address}, which goes on answering", fix)


def other(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A firewall's rules or the delivery of a log go, and no other takes their place."""
    if change.type not in _OTHERS or not change.deletes:
        return
    path, what = ("phase", "the rules of") if change.type == t.RULESET else ("dataset", "the record of")
    was = change.was(path)
    defends = change.type != t.RULESET or (isinstance(was, str) and any(one in was for one in _DEFENCES))
    if defends and not any(one.becomes(path) == was for one in plan.of(change.type)):
        yield Loss("guard-removed", change, f"{what} {was}", f"bring {change.name} back into the program")


def _leaves(change: ResourceChange) -> bool:
    return change.deletes or (change.action in {"update", "replace"} and not change.retained)


def _behind(application: Side | None) -> Iterator[str]:
    """Yield the addresses of an application: a host, and a path if it has one."""
    inputs: Any = application.inputs if application else {}
    uris = [*listed(inputs, "domain"), *listed(inputs, "selfHostedDomains")]
    uris += [uri for one in listed(inputs, "destinations") for uri in listed(one, "uri")]
    yield from (uri.rpartition("://")[2].rstrip("/") for uri in uris if isinstance(uri, str))


def _host(address: Any) -> str:
    return address.partition("/")[0] if isinstance(address, str) else ""


def _includes(wide: str, address: str) -> bool:
    return matches(wide, address) or matches(f"{wide}/*", address)


def shown(change: ResourceChange, _plan: UpdatePlan) -> Iterator[Loss]:
    """A repository that few could read is shown to everybody, which nothing takes back: what was read is read."""
    if change.type != t.GITHUB_REPOSITORY or change.action not in {"update", "replace"}:
        return
    opened = change.was("visibility") in ("private", "internal") and change.becomes("visibility") in ("public", UNKNOWN)
    if opened or (change.was("private") is True and change.becomes("private") in (False, UNKNOWN)):
        lost = "nobody can take back what others have read: the code, its history, issues and logs of pipelines"
        yield Loss("made-public", change, lost, "leave it private, and publish another repository without its history")
