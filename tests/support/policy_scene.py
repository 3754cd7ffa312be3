"""What the policies see: single resources made by hand, and whole stages as the program registers them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.engine.rendered import Rendered
from bulkhead.model.alarms import Alarm, read_alarms
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.model.tasks import Task
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.values import UNKNOWN, is_list
from infra.product import PRODUCT
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule
from tests.support.settings_fixture import make_settings

_CATALOGUE = read_alarms()
_MADE = re.compile(r"[a-z0-9-]+-id")  # how `render` spells what a cloud would make up
_ARN = re.compile(r"arn:aws:[a-z0-9]+:[a-z0-9-]*:\d*:.*")


def make_context(
    environment: str = "staging",
    changes: Mapping[str, Any] | None = None,
    *,
    of: Product = PRODUCT,
    identities: bool = False,
    alarms: Sequence[Alarm] | None = None,
    tasks: Sequence[Task] = (),
) -> PolicyContext:
    """Return what the rules judge against; ``changes`` are laid over the settings, spelt as in YAML."""
    settings = make_settings(environment, changes)
    others = tuple(PolicyContext(of, make_settings(stage)) for stage in Stage if stage is not settings.stage)
    catalogue = _CATALOGUE if alarms is None else tuple(alarms)
    return PolicyContext(of, settings, identities, catalogue, tuple(tasks), others)


def make_resource(
    type_: str, name: str = "it", /, *, sources: Mapping[str, Sequence[ObservedResource]] | None = None, **props: Any
) -> ObservedResource:
    """Return one resource. ``props`` are its properties in camelCase; ``sources`` says where some of them come from."""
    urn = f"urn:pulumi:staging::bulkhead::{type_}::{name}"
    return ObservedResource(
        type_, name, urn, props, depends={key: tuple(value) for key, value in (sources or {}).items()}
    )


def changed(resource: ObservedResource, path: str, value: Any) -> ObservedResource:
    """Return ``resource`` with another value at a dotted path, numbers being places in lists; ``...`` takes it away."""
    return replace(resource, props=_with(resource.props, path.split("."), value))


def found(rule: AnyRule, *resources: ObservedResource, context: PolicyContext | None = None) -> list[str]:
    """Return what ``rule`` says of these resources, which are all there are. Each message must name what is wrong, what
    it could cause and the fix."""
    context = context or make_context()
    if isinstance(rule, Rule):
        violations = [
            v for each in resources if not rule.types or each.type in rule.types for v in rule.judge(each, context)
        ]
    else:
        violations = list(rule.judge(ObservedStack(resources), context))
    for violation in violations:
        assert violation.wrong, violation
        assert violation.causes, violation
        assert violation.fix, violation
        assert not violation.wrong.endswith("."), violation
        assert not violation.causes.endswith("."), violation
    return [str(violation) for violation in violations]


def observed_in(rendered: Rendered | StagePlan) -> list[ObservedResource]:
    """Return everything a program registered as the engine shows it after an `up`: every value known."""
    observed = {one.urn: _observed(one, rendered) for one in rendered.resources}
    for one in rendered.resources:
        observed[one.urn].depends.update(
            {key: tuple(observed[u] for u in urns if u in observed) for key, urns in one.sources.items()}
        )
    return list(observed.values())


def as_first_preview(resources: Sequence[ObservedResource]) -> list[ObservedResource]:
    """Return the resources as the preview of an empty stack shows them: what the clouds will make up is not known."""
    unknown = {each.urn: replace(each, props=_hidden(each.props, each.name)) for each in resources}
    return [
        replace(each, depends={key: tuple(unknown[s.urn] for s in sources) for key, sources in each.depends.items()})
        for each in unknown.values()
    ]


def _observed(one: PlannedResource, rendered: Rendered | StagePlan) -> ObservedResource:
    provider = next((p for p in rendered.resources if p.urn == one.provider), None)
    return ObservedResource(
        type=one.type,
        name=one.name,
        urn=one.urn,
        props=unsealed(one.inputs),
        protect=one.protect,
        ignore_changes=one.ignore_changes,
        parent=one.parent,
        provider=one.provider,
        provider_props=unsealed(provider.inputs) if provider else {},
    )


def _hidden(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(item, name) for key, item in value.items()}
    if is_list(value):
        return [_hidden(item, name) for item in value]
    made_up = isinstance(value, str) and (_MADE.fullmatch(value) or (_ARN.fullmatch(value) and ":role/" not in value))
    return UNKNOWN if made_up else value


def _with(value: Any, path: list[str], new: Any) -> Any:
    head, *rest = path
    if isinstance(value, Mapping):
        if not rest and new is ...:
            return {key: item for key, item in value.items() if key != head}
        return {**value, head: _with(value.get(head, {}), rest, new) if rest else new}
    items = list(value)
    if not rest and new is ...:
        del items[int(head)]
    else:
        items[int(head)] = _with(items[int(head)], rest, new) if rest else new
    return items
