"""Rules about what makes a Worker run: which version is deployed, which objects it has, and when it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, leaves, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.worker_carriers import OBJECTS, candidate_targets, carried, has_id, names_of

_ENDED: Final = ("deleted", "renamed", "transferred")  # states of a class that a version does not have any more


def _versions(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    versions = stack.of(t.WORKER_VERSION)
    for resource in stack.of(t.WORKERS_DEPLOYMENT):
        ids = [at(each, "versionId") for each in listed(resource.props, "versions")]
        literal = [each for each in ids if isinstance(each, str) and not any(has_id(one, each) for one in versions)]
        if literal and not resource.sources("versions", t.WORKER_VERSION):
            yield Violation(
                f"deploys version {', '.join(literal)}, which the program does not make",
                "Code runs that nobody has judged, bound to whatever it was once bound to",
                "deploy the output of a WorkerVersion of the stack",
                resource,
            )


def _splits(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for resource in stack.of(t.WORKERS_DEPLOYMENT):
        sharing = [_exports(version) for version in resource.sources("versions", t.WORKER_VERSION)]
        if UNKNOWN not in sharing and any(said != sharing[0] for said in sharing):
            yield Violation(
                "divides requests between versions that differ in what they export",
                "Cloudflare refuses it (errors 100405, 100406) after the rest of the stage was changed",
                "deploy the version that changes it to everybody first, in a release of its own",
                resource,
            )


def _classes(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """Refuse a binding to a class that no version of its Worker has. A version with ``migrations`` says only what is
    new, so what it has is not known."""
    versions = stack.of(t.WORKER_VERSION)
    for resource in versions:
        for bound in carried(resource):
            class_, script = at(bound.props, "className"), at(bound.props, "scriptName")
            if bound.type != OBJECTS or not isinstance(class_, str) or script is UNKNOWN:
                continue
            of = [resource] if isinstance(script, Absent) else _versions_of(stack, versions, script)
            has = [_exports(each) for each in of]
            if has and all(known is not UNKNOWN and class_ not in known for known in has):
                yield Violation(
                    f"binds {bound.shown} to the Durable Object class {class_}, which its Worker does not have",
                    "Cloudflare refuses the version (error 10061) after the rest of the stage was changed",
                    f"say of {class_} in the exports of its Worker that it is alive",
                    resource,
                )


def _versions_of(stack: ObservedStack, versions: tuple[ObservedResource, ...], script: str) -> list[ObservedResource]:
    return [
        version
        for version in versions
        if script in names_of(candidate_targets(stack, version, "workerId", version["workerId"], *t.SCRIPTS))
    ]


def _exports(version: ObservedResource) -> Any:
    """Return what a version exports, the kind by the name, without classes that end; UNKNOWN where it does not say so
    plainly."""
    exports = {} if version["exports"] is MISSING else version["exports"]
    if not isinstance(exports, Mapping) or UNKNOWN in leaves(exports) or version["migrations"] is not MISSING:
        return UNKNOWN
    return {name: at(said, "type") for name, said in exports.items() if at(said, "state") not in _ENDED}


def _crons(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    name = resource["scriptName"]
    crons = [at(each, "cron") for each in listed(resource.props, "schedules")]
    if not isinstance(name, str) or UNKNOWN in crons:
        return
    worker = context.worker(name)
    wanted = {_normal(cron) for cron in (worker and worker.crons) or ()}
    if more := sorted({str(cron) for cron in crons if _normal(cron) not in wanted}):
        yield Violation(
            f"calls {name} at {', '.join(more)}, which the product does not say",
            "It works, costs and changes data at times that nobody knows of, and no alarm expects it",
            "say the times in the product, as crons of the Worker",
        )


def _normal(cron: object) -> str:
    return " ".join(str(cron).upper().split())


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "deployment-of-unknown-version", ("SEC-5", "DEP-14"), "What runs is what the program has made", _versions
    ),
    StackRule(
        "split-between-different-exports",
        ("DEP-10",),
        "Requests are divided between versions with the same objects",
        _splits,
    ),
    StackRule("binding-to-missing-class", ("DEP-14",), "A class exists before anything is bound to it", _classes),
    Rule(
        "cron-not-in-product",
        ("SEC-5",),
        "A Worker is called at the times that the product says",
        (t.WORKERS_CRON_TRIGGER,),
        _crons,
    ),
)
