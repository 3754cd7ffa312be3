"""What an R2 bucket has beside it and no stage declares: event notifications to queues, and hostnames of its own. Both
are recorded only: no message is sent, and no such hostname answers.

Source: Cloudflare's API reference and its official client (cloudflare 5.9, `r2.buckets.event_notifications` and
`domains.custom`); codes, and that a PUT adds rules: alchemy-run/distilled and alchemy-run/alchemy-effect, tried there
against the API; which rules collide: cloudflare/cloudflare-docs#19130.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any, Final
from uuid import UUID, uuid4

from starlette.responses import Response

from bulkhead.localclouds.cloudflare.api import queues
from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result, not_found
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.r2 import BUCKET, bucket_of, facts_beside, keep_beside
from bulkhead.localclouds.providers.rules import now
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

_EVENTS: Final = "/accounts/{account_id}/event_notifications/r2/{bucket_name}/configuration"
_OF_QUEUE: Final = f"{_EVENTS}/queues/{{queue_id}}"
_DOMAINS: Final = f"{BUCKET}/domains/custom"
_DOMAIN: Final = f"{_DOMAINS}/{{domain}}"
_NO_RULES_OF_QUEUE: Final = 11011
_NO_RULES: Final = 11015
_MOST_RULES: Final = 100  # R2 documentation, "Event notifications", notes
_ACTIONS: Final = ("PutObject", "CopyObject", "DeleteObject", "CompleteMultipartUpload", "LifecycleDeletion")
_RULE: Final = {"actions", "description", "prefix", "suffix"}
_TLS: Final = ("1.0", "1.1", "1.2", "1.3")
_SETTINGS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "ciphers": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "enabled": lambda value: isinstance(value, bool),
    "minTLS": _TLS.__contains__,
}
Rules = Sequence[Mapping[str, Any]]


# Event notifications


def _events(call: Call) -> dict[str, list[dict[str, Any]]]:
    """Return the rules of each queue that is still there. Raises Refusal."""
    known = {queue.id for queue in call.records(t.QUEUE)}
    return {id_: rules for id_, rules in facts_beside(call, "events").items() if id_ in known}


def _list_events(call: Call) -> Result:
    events, known = _events(call), {queue.id: queue for queue in call.records(t.QUEUE)}
    if not events:
        raise not_found("an event notification of this bucket", _NO_RULES)
    shown = [_shown(known[id_], rules) for id_, rules in events.items()]
    return Result({"bucketName": bucket_of(call).outputs["name"], "queues": shown})


def _show_events(call: Call) -> Result:
    queue = queues.queue_of(call)
    return Result(_shown(queue, _rules_of(_events(call), queue)))


def _add_events(call: Call) -> Result:
    queue, events, given = queues.queue_of(call), _events(call), call.json()
    faults = list(_faults_of_rules(given))
    if faults:
        raise Refusal(400, *((UNKNOWN_CODE, fault) for fault in faults))
    made = [
        {"prefix": "", "suffix": "", "description": "", **rule, "ruleId": str(uuid4()), "createdAt": now()}
        for rule in given["rules"]
    ]
    events[queue.id] = [*events.get(queue.id, ()), *made]
    every = [rule for rules in events.values() for rule in rules]
    if len(every) > _MOST_RULES:
        raise Refusal(400, (UNKNOWN_CODE, f"a bucket has at most {_MOST_RULES} event notification rules"))
    if any(_collide(*pair) for pair in combinations(every, 2)):
        raise Refusal(400, (UNKNOWN_CODE, "rules: of one action no object may match two rules"))
    keep_beside(call, "events", {id_: rules for id_, rules in events.items() if rules})
    return Result({})


def _delete_events(call: Call) -> Result:
    """Take away the rules that a body names, all of the queue's without one."""
    queue, events, body = queues.queue_of(call), _events(call), call.json()
    rules = _rules_of(events, queue)
    gone = body.get("ruleIds", [rule["ruleId"] for rule in rules])
    if body.keys() - {"ruleIds"} or not isinstance(gone, list):
        raise Refusal(400, (UNKNOWN_CODE, "a body has ruleIds, a list, and nothing else"))
    if unknown := [id_ for id_ in gone if id_ not in [rule["ruleId"] for rule in rules]]:
        raise not_found(f"event notification rule {unknown[0]}", _NO_RULES_OF_QUEUE)
    events[queue.id] = [rule for rule in rules if rule["ruleId"] not in gone]
    keep_beside(call, "events", {id_: rules for id_, rules in events.items() if rules})
    return Result({})


def _rules_of(events: Mapping[str, list[dict[str, Any]]], queue: Record) -> list[dict[str, Any]]:
    if not events:
        raise not_found("an event notification of this bucket", _NO_RULES)
    if queue.id not in events:
        raise not_found(f"an event notification to queue {queue.id}", _NO_RULES_OF_QUEUE)
    return events[queue.id]


def _shown(queue: Record, rules: Rules) -> dict[str, Any]:
    return {"queueId": str(UUID(queue.id)), "queueName": queue.outputs["queueName"], "rules": list(rules)}


def _faults_of_rules(body: Mapping[str, Any]) -> Iterator[str]:
    rules = body.get("rules")
    if body.keys() - {"rules"} or not isinstance(rules, list):
        yield "a body has rules, a list, and nothing else"
        return
    for index, rule in enumerate(rules):
        if not isinstance(rule, dict) or rule.keys() - _RULE:
            yield f"rules[{index}]: is an object of {', '.join(sorted(_RULE))}"
            continue
        actions = rule.get("actions")
        if not isinstance(actions, list) or not actions or any(action not in _ACTIONS for action in actions):
            yield f"rules[{index}].actions: must be some of {', '.join(_ACTIONS)}"
        yield from (
            f"rules[{index}].{name}: must be text"
            for name in sorted(_RULE - {"actions"})
            if not isinstance(rule.get(name, ""), str)
        )


def _collide(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether an object could match both rules at one action."""
    ends = (
        (one["prefix"].startswith, other["prefix"].startswith, "prefix"),
        (one["suffix"].endswith, other["suffix"].endswith, "suffix"),
    )
    return bool({*one["actions"]} & {*other["actions"]}) and all(
        longer(other[name]) or shorter(one[name]) for longer, shorter, name in ends
    )


# Hostnames


def _list_domains(call: Call) -> Result:
    return Result({"domains": [_with_status(domain) for domain in facts_beside(call, "domains").values()]})


def _show_domain(call: Call) -> Result:
    return Result(_with_status(_domain_of(call)))


def _add_domain(call: Call) -> Result:
    body, domains = call.json(), facts_beside(call, "domains")
    zone, hostname = body.get("zoneId"), body.get("domain")
    _require_settings(body, {"domain", "zoneId", "enabled"}, "enabled")
    name = call.credential.tenant.zones.get(zone) if isinstance(zone, str) else None
    if name is None or not isinstance(hostname, str) or not f".{hostname}".endswith(f".{name}"):
        raise Refusal(400, (UNKNOWN_CODE, "domain: must be a hostname in the zone of this account that zoneId names"))
    taken = [*facts_beside(call, "domains", everywhere=True)]
    taken += [str(one.outputs["hostname"]) for one in call.records(t.WORKERS_CUSTOM_DOMAIN)]
    if hostname in taken:
        raise Refusal(409, (UNKNOWN_CODE, f"domain: {hostname} leads elsewhere already"))
    domains[hostname] = {**body, "zoneName": name}
    keep_beside(call, "domains", domains)
    return Result({member: value for member, value in domains[hostname].items() if member != "zoneName"})


def _change_domain(call: Call) -> Result:
    body, domain = call.json(), _domain_of(call)
    if body.pop("domain", domain["domain"]) != domain["domain"]:  # wrangler repeats it
        raise Refusal(400, (UNKNOWN_CODE, "domain: cannot be changed"))
    _require_settings(body, set())
    keep_beside(call, "domains", {**facts_beside(call, "domains"), domain["domain"]: {**domain, **body}})
    return Result({"domain": domain["domain"], **body})


def _remove_domain(call: Call) -> Result:
    gone = _domain_of(call)["domain"]
    keep_beside(call, "domains", {n: one for n, one in facts_beside(call, "domains").items() if n != gone})
    return Result({"domain": gone})


def _domain_of(call: Call) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = facts_beside(call, "domains").get(call.path["domain"])
    if found is None:
        raise not_found(f"custom domain {call.path['domain']}", UNKNOWN_CODE)
    return found


def _with_status(domain: Mapping[str, Any]) -> dict[str, Any]:
    return {**domain, "status": {"ownership": "active", "ssl": "active"}}


def _require_settings(body: Mapping[str, Any], beside: set[str], *needed: str) -> None:
    unknown = [
        f"{name}: the local Cloudflare knows no such member here" for name in body.keys() - beside - {*_SETTINGS}
    ]
    wrong = [f"{name}: does not fit" for name, fits in _SETTINGS.items() if name in body and not fits(body[name])]
    missing = [f"{name}: required" for name in needed if name not in body]
    if faults := [*sorted(unknown), *wrong, *missing]:
        raise Refusal(400, *((UNKNOWN_CODE, fault) for fault in faults))


def _alone(serve: Callable[[Call], Result | Response], call: Call) -> Result | Response:
    """Serve one request at a time: each writes down all that is beside a bucket."""
    with call.cloud.resources.store.claim(f"beside buckets of {call.path['account_id']}"):
        return serve(call)


_ROUTES: Final = (
    Route("GET", _EVENTS, _list_events, "bucket_name"),
    Route("GET", _OF_QUEUE, _show_events, "bucket_name"),
    Route("PUT", _OF_QUEUE, _add_events, "bucket_name"),
    Route("DELETE", _OF_QUEUE, _delete_events, "bucket_name"),
    Route("GET", _DOMAINS, _list_domains, "bucket_name"),
    Route("POST", _DOMAINS, _add_domain, "bucket_name"),
    Route("GET", _DOMAIN, _show_domain, "bucket_name"),
    Route("PUT", _DOMAIN, _change_domain, "bucket_name"),
    Route("DELETE", _DOMAIN, _remove_domain, "bucket_name"),
)
ROUTES: Final[tuple[Route, ...]] = tuple(replace(route, serve=partial(_alone, route.serve)) for route in _ROUTES)
