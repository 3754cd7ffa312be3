"""Rules about tail consumers, consumers of queues, and the addresses of a stage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.model.naming import Kind
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import superseded_by
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.worker_carriers import CARRIERS, UPLOADS, candidate_targets, carried, names_of


def _inherited(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    fix = "say every binding, and take away inherit and keep_bindings"
    causes = "What somebody bound by hand, or an older version had, stays for ever and is never reviewed"
    for bound in carried(resource):
        if bound.type == "inherit":
            yield Violation(f"its binding {bound.shown} takes over what an earlier version had", causes, fix)
    kept = sorted(each for each in listed(resource.props, "keepBindings") if isinstance(each, str))
    if kept:
        yield Violation(f"keeps whatever bindings an earlier version had, of type {', '.join(kept)}", causes, fix)


def _tailed(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    for path in ("tailConsumers", "previewsBaseConfig.tailConsumers"):
        for each in listed(resource.props, *path.split(".")):
            if isinstance(each, Mapping):
                name = next((name for key in ("name", "service") if isinstance(name := each.get(key), str)), "a Worker")
                yield Violation(
                    f"lets {name} read along, which the product does not grant",
                    "A tail consumer is handed every request, with its headers, and everything that is logged",
                    "take the tail consumer away; logs go where the stage's settings send them",
                )
    for path in ("observability", "previewsBaseConfig.observability"):
        for kind in ("logs", "traces"):
            names = listed(resource.props, *path.split("."), kind, "destinations")
            for name in names if at(resource.props, *path.split("."), kind, "enabled") is not False else ():
                if isinstance(name, str) and name:
                    yield Violation(
                        f"sends its {kind} to {name}, which the product does not grant",
                        "Whoever is there reads along: headers and addresses of requests, and all that is logged",
                        f"take it from observability.{kind}.destinations; what is kept goes where the settings send it",
                    )


def _answers(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    enabled = resource["subdomain.enabled" if resource.type == t.WORKER else "enabled"]
    if not context.settings.on_workers_dev and _on(enabled):
        yield Violation(
            "answers at a workers.dev address",
            "That address passes by the rules, the Access applications and the rate limits of the stage's zone",
            "enabled=False",
        )


def _previews(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if resource.type == t.WORKER:
        # The provider lets it follow `enabled` when it is left out (its `DefaultSubdomainPreviewsEnabledToEnabled`).
        previews = resource["subdomain.previewsEnabled"]
        previews = resource["subdomain.enabled"] if previews is MISSING else previews
    else:
        previews = resource["previewsEnabled"]  # if it is left out, the provider sends nothing and the old value stays
        previews = True if previews is MISSING else previews
    if not context.settings.on_workers_dev and _on(previews):
        yield Violation(
            "gives every version an address of its own",
            "Versions that were never released, or were withdrawn, answer anybody with the stage's data",
            "previews_enabled=False",
        )


def _on(value: Any) -> bool:
    return str(value).lower() == "true"


def _custom_domain(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    hostname, service, zone = resource["hostname"], resource["service"], resource["zoneName"]
    fix = "take hostname, service and zone from the product and the stage's settings"
    causes = "Visitors of one stage reach the other: creating a custom domain takes the hostname from whoever had it"
    apex = context.settings.cloudflare.hostname
    hosts = context.product.hostnames(apex)
    answering = {host: context.label.name(Kind.WORKER, worker) for worker, host in hosts.items()}
    host = hostname.lower() if isinstance(hostname, str) else ""
    if hostname is not UNKNOWN and host not in context.hostnames:
        yield Violation(f"takes the hostname {host or 'of nothing'}, at which this stage does not answer", causes, fix)
    if service is not UNKNOWN and service not in ([answering[host]] if host in answering else answering.values()):
        yield Violation(f"leads to {service}, which does not answer at that hostname in this stage", causes, fix)
    if resource["zoneId"] not in (UNKNOWN, MISSING, context.settings.cloudflare.zone_id):
        yield Violation("is made in a zone that is not the stage's", causes, fix)
    if isinstance(zone, str) and not f".{apex}".endswith(f".{zone.lower()}"):
        yield Violation(f"is made in zone {zone}, which does not hold the stage's hostname", causes, fix)


def _route(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    pattern, script = resource["pattern"], resource["script"]
    causes = "Requests to another stage, or to what was never this product's, are answered by this one's Worker"
    if isinstance(pattern, str):
        host = re.sub(r"^[a-z*]+://", "", pattern.lower()).partition("/")[0]
        if host not in context.hostnames:
            hosts = ", ".join(sorted(context.hostnames))
            yield Violation(f"catches {pattern}, so not only the stage's own hosts", causes, f"name one host: {hosts}")
    if isinstance(script, str) and script and not script.startswith(context.prefix):
        yield Violation(f"leads to {script}, which is not of this stage", causes, "name a Worker of the stage")
    if resource["zoneId"] not in (UNKNOWN, MISSING, context.settings.cloudflare.zone_id):
        yield Violation("is made in a zone that is not the stage's", causes, "zone_id of the stage's settings")


def _consumers(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    owned = context.owned(Kind.QUEUE)
    specs = {spec.name: spec for spec in context.product.queues}
    for resource in stack.of(t.QUEUE_CONSUMER):
        queues = names_of(candidate_targets(stack, resource, "queueId", resource["queueId"], t.QUEUE))
        if UNKNOWN in queues:
            continue
        wanted = [specs[owned[name]] for name in queues if name in owned]
        shown = " or ".join(queues) or "a queue that is none of this stack's"
        scripts = [context.label.name(Kind.WORKER, spec.consumer) for spec in wanted if spec.consumer]
        dead = [context.label.name(Kind.QUEUE, spec.dead_letter) if spec.dead_letter else MISSING for spec in wanted]
        type_ = resource["type"]
        pulled = isinstance(type_, str) and type_.lower() != "worker"
        if not scripts or pulled or not _may_be(_said(resource, "scriptName", *t.SCRIPTS), scripts):
            yield Violation(
                f"consumes {shown}, as whom the product does not name",
                "Messages go to whoever should not read them, and never reach the Worker that waits for them",
                "name the Worker in the product, as consumer of the queue, and consume with type worker",
                resource,
            )
        elif not _may_be(_said(resource, "deadLetterQueue", t.QUEUE), dead):
            yield Violation(
                f"sends what failed in {shown} elsewhere than the product says",
                "Failed messages are lost, or pile up in a queue that nobody watches",
                "name the queue in the product, as dead_letter",
                resource,
            )


def _said(resource: ObservedResource, property_: str, *types: str) -> list[Any]:
    """Return the names that a property has or, while it is not known, may have."""
    value = resource[property_]
    if value is UNKNOWN:
        return names_of(resource.sources(property_, *types)) or [UNKNOWN]
    return [MISSING if value == "" else value]


def _may_be(names: list[Any], wanted: list[Any]) -> bool:
    return UNKNOWN in names or any(each in wanted for each in names)


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "binding-inherited",
        ("SEC-5",),
        "Everything a Worker is bound to is said in the program",
        tuple(CARRIERS),
        _inherited,
    ),
    Rule(
        "tail-consumer-not-granted",
        ("SEC-5", "LOG-7"),
        "Nobody reads along with a Worker unless the product says so",
        (t.WORKER, *UPLOADS),
        _tailed,
    ),
    StackRule(
        "queue-consumer-not-granted",
        ("SEC-5",),
        "A queue is consumed by the Worker that the product names",
        _consumers,
    ),
    Rule(
        "workers-dev-open",
        ("ENV-13",),
        "Only development answers at workers.dev",
        (t.WORKER, t.WORKERS_SCRIPT_SUBDOMAIN),
        _answers,
    ),
    Rule(
        "preview-urls-open",
        ("ENV-13",),
        "Only development shows versions at addresses of their own",
        (t.WORKER, t.WORKERS_SCRIPT_SUBDOMAIN),
        _previews,
    ),
    Rule(
        "custom-domain-of-another-stage",
        ("ENV-3", "ENV-4"),
        "A stage takes its own hostnames and no other's",
        (t.WORKERS_CUSTOM_DOMAIN, *superseded_by(t.WORKERS_CUSTOM_DOMAIN)),
        _custom_domain,
    ),
    Rule(
        "route-catches-foreign-host",
        ("ENV-3",),
        "A route leads from the stage's own hosts to the stage's own Workers",
        (t.WORKERS_ROUTE,),
        _route,
    ),
)
