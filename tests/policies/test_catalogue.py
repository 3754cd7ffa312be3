"""All rules together: what they are called, what they say of themselves, and that our own stages keep every one."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from bulkhead.model.tasks import read_tasks
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import Grants, ResourceType, Scope
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import UNKNOWN, leaves
from policies.catalogue import RULES, judged_by
from policies.rule import AnyRule, Rule, StackRule
from tests.support.policy_scene import as_first_preview, changed, found, make_context, make_resource, observed_in
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
    resources = observed_in(rendered_stage(product, stage))
    if preview:
        resources = as_first_preview(resources)
        assert any(value is UNKNOWN for each in resources for value in leaves(each.props))
    context = make_context(stage, of=PRODUCTS[product], tasks=read_tasks())
    assert {rule.name: said for rule in RULES if (said := found(rule, *resources, context=context))} == {}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "first preview"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_identities_keep_every_rule(product: str, stage: str, preview: bool) -> None:
    resources = observed_in(rendered_identities(product, stage))
    if preview:
        resources = as_first_preview(resources)
    context = make_context(stage, of=PRODUCTS[product], identities=True)
    assert {rule.name: said for rule in RULES if (said := found(rule, *resources, context=context))} == {}


# What these rules look at stands beside a resource, and is no part of what it does.
LABELS = {
    "aws-untagged",
    "ignore-changes-hides-security",
    "reference-to-another-stage",
    "stage-mismatch",
    "store-name-outside-stage",
    "store-unprotected",
}


class Call(ObservedStack):
    """A stack that remembers of which types a rule asked for the resources."""

    def of(self, *types: str) -> tuple[ObservedResource, ...]:
        ASKED.update(types)
        return super().of(*types)


ASKED: set[str] = set()


def types_judged() -> set[str]:
    """Return the types about whose content there is a rule."""
    ASKED.clear()
    content = [rule for rule in RULES if rule.name not in LABELS]
    for rule in content:
        ASKED.update(rule.types if isinstance(rule, Rule) else ())
    for product, stage in itertools.product(PRODUCTS, STAGES):
        for rendered, identities in ((rendered_stage, False), (rendered_identities, True)):
            stack = Call(tuple(observed_in(rendered(product, stage))))
            context = make_context(stage, of=PRODUCTS[product], identities=identities)
            for rule in content:
                if isinstance(rule, StackRule):
                    list(rule.judge(stack, context))
    return set(ASKED)


def test_every_type_that_a_stage_may_have_is_judged_or_says_why_it_cannot_hurt() -> None:
    judged, admitted = types_judged(), {row for row in CATALOGUE.values() if row.admitted is True}
    assert {row.token for row in admitted if row not in judged and not row.unjudged} == set()
    assert {row.token for row in admitted if row in judged and row.unjudged} == set()
    assert {row.token for row in CATALOGUE.values() if row.unjudged and row not in admitted} == set()


def test_a_rule_about_every_resource_counts_for_no_type() -> None:
    assert "iam-wildcard-trust" in {rule.name for rule in judged_by(t.IAM_ROLE)}
    assert judged_by("aws:ec2/instance:Instance") == ()


OPEN = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TO_ANYBODY = {"Effect": "Allow", "Principal": "*"}
DOCUMENTS = {
    Grants.RIGHTS: OPEN,
    Grants.RESOURCE: TO_ANYBODY | OPEN,
    Grants.TRUST: TO_ANYBODY | {"Action": "sts:AssumeRole"},
}


@pytest.mark.parametrize("row", [row for row in CATALOGUE.values() if row.documents], ids=lambda row: row.token)
def test_what_a_policy_document_allows_is_judged_wherever_it_stands(row: ResourceType) -> None:
    for path, grants in row.documents.items():
        allows = DOCUMENTS[grants]
        loose, strict = (_said_of(row, path, {**allows, "Effect": effect}) for effect in ("Allow", "Deny"))
        assert loose - strict


def _said_of(row: ResourceType, path: str, statement: dict[str, str]) -> set[str]:
    document = json.dumps({"Statement": [statement]})
    outer, _, inner = path.partition("[].")
    resource = changed(make_resource(row), outer, [{inner: document}] if inner else document)
    return {message for rule in RULES for message in found(rule, resource)}


BELOW_A_PATH = {t.IAM_POLICY, t.IAM_ROLE}
"""Whose they are is said by their path as well as by their name; `iam-escalation` reads both."""


@pytest.mark.parametrize(
    "row",
    [row for row in CATALOGUE.values() if row.admitted is True and row.named_by and row.scope is not Scope.REPOSITORY],
    ids=lambda row: row.token,
)
def test_a_name_that_stages_share_begins_with_the_stages_own(row: ResourceType) -> None:
    messages = [
        message for rule in RULES for message in found(rule, changed(make_resource(row), row.named_by, "somebodys"))
    ]
    assert any("is called somebodys, which does not begin with" in each for each in messages) == (
        row not in BELOW_A_PATH
    )
