"""No rule raises, whatever a plan holds: one that does ends the preview, and nobody learns what is wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from policies.catalogue import RULES
from policies.rule import Rule
from tests.policies.unusual import unusual
from tests.policies.violating import violating
from tests.support.any_plan import of_resource, of_schemas
from tests.support.policy_scene import found, make_context, make_resource, observed_in
from tests.support.settings_fixture import make_settings
from tests.support.stages import render, rendered_identities, rendered_stage

PRODUCTION = make_context("production", {"owns": {"zone": True}})


def raised_by(resource: ObservedResource, beside: Sequence[ObservedResource] = ()) -> Iterator[str]:
    """Yield which rule raises on a resource in a stack, and where."""
    stack = ObservedStack((resource, *beside))
    for rule in RULES:
        if isinstance(rule, Rule) and rule.types and resource.type not in rule.types:
            continue
        try:
            said = rule.judge(resource, PRODUCTION) if isinstance(rule, Rule) else rule.judge(stack, PRODUCTION)
            assert all(str(violation) for violation in said)
        except Exception as error:  # whatever it is, the engine would end there
            yield f"{rule.name} raises {error!r} on {resource.type} {resource.props!r:.500}"


@cache
def stacks() -> tuple[tuple[ObservedResource, ...], ...]:
    """Return what real programs, unusual ones and wrong ones register."""
    settings = make_settings("production")
    rendered = (
        rendered_stage("first", "production"),
        rendered_identities("first", "production"),
        render(unusual(settings), "production"),
        render(violating("canary"), "production"),
    )
    return tuple(tuple(observed_in(each)) for each in rendered)


@pytest.mark.parametrize("count", [300, pytest.param(6_000, marks=pytest.mark.slow)])
def test_any_input_of_any_type_may_be_anything(count: int) -> None:
    choice = random.Random(count)  # noqa: S311 - the same cases each time
    cases = [case for case in of_schemas() if choice.random() < count / 100_000]
    assert len(cases) > count / 2
    assert [message for case in cases for message in raised_by(case)] == []


@pytest.mark.parametrize("count", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_any_value_in_a_stack_may_be_anything(count: int) -> None:
    choice = random.Random(count)  # noqa: S311 - the same cases each time
    messages: list[str] = []
    for _ in range(count):
        stack = choice.choice(stacks())
        resource = choice.choice(stack)
        start = choice.randrange(400)
        case = next(islice(of_resource(resource), start, None), resource)
        messages += raised_by(case, [each for each in stack if each is not resource])
    assert messages == []


@pytest.mark.parametrize(
    ("type_", "kind", "key"),
    [
        (t.D1_DATABASE, "d1", "databaseId"),
        (t.WORKERS_KV_NAMESPACE, "kv_namespace", "namespaceId"),
        (t.R2_BUCKET, "r2_bucket", "bucketName"),
        (t.QUEUE, "queue", "queueName"),
    ],
)
def test_a_bound_store_without_a_name_is_told(type_: str, kind: str, key: str) -> None:
    store = make_resource(type_, "nameless", id="5a5a5a5a-0000-4000-8000-5a5a5a5a5a5a")
    bound = {"type": kind, "name": "DB", key: store["id"]}
    version = make_resource(t.WORKER_VERSION, "web", sources={"bindings": [store]}, bindings=[bound])
    assert list(raised_by(version, [store])) == []
    said = [message for rule in RULES for message in found(rule, version, store)]
    assert any("has no name of its own" in message for message in said)
