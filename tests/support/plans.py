"""Plans of stages as tests want them, and one thing changed in one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from bulkhead.analysis.plan import plan
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.product_reference import product_of
from bulkhead.resources.planned import PlannedResource, Sealed
from infra.product import PRODUCT
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings

STAGES: Final = ("development", "staging", "production")
PRODUCTS: Final = {"first": PRODUCT, "second": SECOND_PRODUCT}


def make_plan(product: Product, environment: str, changes: Mapping[str, Any] | None = None) -> StagePlan:
    """Return the plan of one stage; ``changes`` are laid over its settings, spelt as in YAML."""
    return _once(product, make_settings(environment, changes))


def plans_once(stages: Sequence[StageSettings]) -> list[StagePlan]:
    """Do what ``bulkhead.analysis.stages.plans_of`` does, once for the same settings however many tests ask."""
    return [_once(product_of(settings), settings) for settings in stages]


_made: Final[dict[tuple[int, str], StagePlan]] = {}


def _once(product: Product, settings: StageSettings) -> StagePlan:
    key = (id(product), repr(settings))  # a plan keeps its product, so that no other one gets its id
    if key not in _made:
        _made[key] = plan(product, settings.environment, settings)
    return _made[key]


def planned(environment: str, product: str = "first") -> StagePlan:
    """Return the plan of a stage with the usual settings."""
    return make_plan(PRODUCTS[product], environment)


def planned_together(environment: str) -> StagePlan:
    """Return the plan of a stage that has its accounts and its zone together with the others."""
    shared = {
        "cloudflare": {"accountId": "a" * 32, "zoneId": "b" * 32},
        "aws": {"accountId": "9" * 12, "roleArn": f"arn:aws:iam::{'9' * 12}:role/bulkhead-{environment}"},
    }
    return make_plan(PRODUCTS["first"], environment, shared)


def changed(plan: StagePlan, type_: str, path: str, value: Any, *, name: str | None = None) -> StagePlan:
    """Return the plan with another value at a dotted path in a resource of this type (and logical name), the first one
    unless it is named. Numbers are places in lists; ``...`` takes the value away."""
    found = next(each for each in plan.of(type_) if name in {None, each.name})
    other = replace(found, inputs=_with(found.inputs, path.split("."), value))
    return replace(plan, resources=tuple(other if each is found else each for each in plan.resources))


def added(plan: StagePlan, type_: str, inputs: Mapping[str, Any], **more: Any) -> StagePlan:
    """Return the plan with one more resource, called ``planted``, made with the stage's provider of its package."""
    package = type_.partition(":")[0]
    provider = next((each.urn for each in plan.resources if each.type == f"pulumi:providers:{package}"), "")
    urn = f"urn:pulumi:{plan.environment}::bulkhead::{type_}::planted"
    known: dict[str, Any] = {"id": f"<{plan.environment}/planted>", "provider": provider, **more}
    return replace(plan, resources=(*plan.resources, PlannedResource(type_, "planted", urn, inputs=inputs, **known)))


def _with(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    head, *rest = path
    if isinstance(value, Sealed):
        return Sealed(_with(value.content, path, new))
    if isinstance(value, list):
        return [_with(item, rest, new) if place == int(head) else item for place, item in enumerate(value)]
    if new is ... and not rest:
        return {key: item for key, item in value.items() if key != head}
    return {**value, head: _with(value.get(head, {}), rest, new)}
