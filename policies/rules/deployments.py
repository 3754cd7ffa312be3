"""Rules about what makes a Worker run: which version is deployed, and when it is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import UNKNOWN, at, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.worker_carriers import has_id


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
    Rule(
        "cron-not-in-product",
        ("SEC-5",),
        "A Worker is called at the times that the product says",
        (t.WORKERS_CRON_TRIGGER,),
        _crons,
    ),
)
