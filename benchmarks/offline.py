"""What a person waits for who asks about the stages without a cloud: `isolation check` and `bindings check`, and apart
from them the imports; and what a rule of the policy pack costs for one resource."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache, partial
from typing import Final

from benchmarks.children import timed
from benchmarks.harness import Benchmark, Samples
from bulkhead.model.failures import Failed
from bulkhead.resources.observed import ObservedResource
from policies.catalogue import RULES
from policies.context import PolicyContext
from policies.rule import Rule

# What each command imports when it is called. A module missing here is counted to the command.
IMPORTS: Final = {
    "isolation check": (
        "bulkhead.cli.isolation",
        "bulkhead.analysis.plan",
        "bulkhead.analysis.generated",
        "bulkhead.analysis.isolation.check",
    ),
    "bindings check": ("bulkhead.cli.bindings", "infra.product"),
}
RULES_ASKED: Final = "all rules, for one small resource"
_REPEATS: Final = 200


def waited(command: str) -> Samples:
    """Return what a command took by itself, and apart from it what came before. Raises Failed when the command finds
    something: then it would not have been the same work."""
    imports = ", ".join(("bulkhead.cli.main", *IMPORTS[command]))
    code = f"if code := bulkhead.cli.main.main({command.split()}):\n    sys.exit(code)"
    once = timed(code, before=f"import {imports}")
    itself = once.said["seconds"]
    return {
        f"bulkhead {command}": itself,
        f"before {command}: starting Python, and imports": once.wall - itself,
    }


def asked() -> Samples:
    """Return what it takes to ask all rules about one small resource. Raises Failed when one of them speaks of it."""
    context, resource = scene()
    rules = [rule for rule in RULES if isinstance(rule, Rule) and (not rule.types or resource.type in rule.types)]
    started = time.perf_counter()
    for _ in range(_REPEATS):
        ask(rules, context, resource)
    return {RULES_ASKED: (time.perf_counter() - started) / _REPEATS}


def ask(rules: Sequence[Rule], context: PolicyContext, resource: ObservedResource) -> None:
    for rule in rules:
        if list(rule.judge(resource, context)):
            raise Failed(f"{rule.name} speaks of the resource that is measured", [])


@cache
def scene() -> tuple[PolicyContext, ObservedResource]:
    from tests.support.policy_scene import make_context, observed_in  # noqa: PLC0415 (imports the SDKs)
    from tests.support.stages import rendered_stage  # noqa: PLC0415

    observed = observed_in(rendered_stage("first", "staging"))
    return make_context("staging"), next(each for each in observed if each.type.endswith(":D1Database"))


LIMITS: Final = {**{f"bulkhead {command}": 5.0 for command in IMPORTS}, RULES_ASKED: 0.001}
BENCHMARK: Final = Benchmark([*(partial(waited, command) for command in IMPORTS), asked], rounds=5, limits=LIMITS)
