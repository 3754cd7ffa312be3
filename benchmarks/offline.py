"""What a person waits for who asks about the stages without a cloud: `isolation check` and `bindings check`, and apart
from them the imports; and what a rule of the policy pack costs for one resource."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from benchmarks.children import Once, run
from benchmarks.command import IMPORTS
from benchmarks.figures import Figure, Series, in_turn, measured
from benchmarks.telling import Tell
from bulkhead.model.failures import Failed
from bulkhead.resources.observed import ObservedResource
from policies.catalogue import RULES
from policies.context import PolicyContext
from policies.rule import Rule

NAME: Final = "offline"
CHECK_LIMIT_SECONDS: Final = 5.0
RULE_LIMIT_MS: Final = 1.0
_ROUNDS: Final = 5
_REPEATS: Final = 200


def measure(tell: Tell) -> list[Figure]:
    """Return the seconds of each command and of its imports, and milliseconds a resource. Raises Failed when a command
    finds something: then it would not have been the same work."""
    tell(f"{' and '.join(IMPORTS)}, {_ROUNDS} times in turn")
    taken = in_turn([partial(run, "benchmarks.command", *command.split()) for command in IMPORTS], _ROUNDS)
    figures = [figure for command, runs in zip(IMPORTS, taken, strict=True) for figure in waited(command, runs)]
    tell("asking every rule about small resources")
    return [*figures, measured(NAME, "all rules, for one small resource", judged(), "ms", RULE_LIMIT_MS)]


def waited(command: str, runs: Sequence[Once]) -> list[Figure]:
    """Return what a command took by itself, and apart from it what came before: Python and the imports."""
    itself = [once.said["seconds"] for once in runs]
    before = [once.wall - seconds for once, seconds in zip(runs, itself, strict=True)]
    return [
        measured(NAME, f"bulkhead {command}", Series(tuple(itself)), "s", CHECK_LIMIT_SECONDS),
        measured(NAME, "before it: starting Python, and imports", Series(tuple(before)), "s"),
    ]


def judged() -> Series:
    """Return how long it takes to ask all rules about one resource that they have nothing to say of, in ms."""
    context, resource = _a_context(), _a_small_resource()
    rules = [rule for rule in RULES if isinstance(rule, Rule) and (not rule.types or resource.type in rule.types)]
    return Series(tuple(_milliseconds(partial(_ask, rules, resource, context)) for _ in range(_ROUNDS)))


def _ask(rules: Sequence[Rule], resource: ObservedResource, context: PolicyContext) -> None:
    for _ in range(_REPEATS):
        for rule in rules:
            if list(rule.judge(resource, context)):
                raise Failed(f"{rule.name} speaks of the resource that is measured", [])


def _milliseconds(ask: Callable[[], None]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000 / _REPEATS


def _a_context() -> PolicyContext:
    from tests.support.policy_scene import make_context  # noqa: PLC0415 (imports the SDKs)

    return make_context("staging")


def _a_small_resource() -> ObservedResource:
    from tests.support.policy_scene import observed_in  # noqa: PLC0415
    from tests.support.stages import rendered_stage  # noqa: PLC0415

    return next(each for each in observed_in(rendered_stage("first", "staging")) if each.type.endswith(":D1Database"))
