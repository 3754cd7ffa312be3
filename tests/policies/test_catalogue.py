"""All rules together: what they are called, what they say of themselves, and that our own stages keep every one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bulkhead.resources.values import UNKNOWN, leaves
from policies.catalogue import RULES
from policies.rule import AnyRule, Rule
from tests.support.policy_scene import as_first_preview, found, make_world, seen_in
from tests.support.stages import PRODUCTS, STAGES, rendered_identities, rendered_stage

ROOT = Path(__file__).resolve().parents[2]
IDS = set(re.findall(r"^- id: (\S+)$", (ROOT / "docs/requirements.yaml").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_what_it_is_for(rule: AnyRule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert rule.reason[0].isupper()
    assert not rule.reason.endswith(".")
    assert rule.requirements
    assert set(rule.requirements) <= IDS
    if isinstance(rule, Rule):
        assert all(re.fullmatch(r"[a-z:/A-Z0-9]+", each) for each in rule.types)


def test_names_are_unique() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("preview", [False, True], ids=["up", "first preview"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_stages_keep_every_rule(product: str, stage: str, preview: bool) -> None:
    resources = seen_in(rendered_stage(product, stage))
    if preview:
        resources = as_first_preview(resources)
        assert any(value is UNKNOWN for each in resources for value in leaves(each.props))
    world = make_world(stage, of=PRODUCTS[product])
    assert {rule.name: said for rule in RULES if (said := found(rule, *resources, world=world))} == {}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "first preview"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_identities_keep_every_rule(product: str, stage: str, preview: bool) -> None:
    resources = seen_in(rendered_identities(product, stage))
    if preview:
        resources = as_first_preview(resources)
    world = make_world(stage, of=PRODUCTS[product], identities=True)
    assert {rule.name: said for rule in RULES if (said := found(rule, *resources, world=world))} == {}
