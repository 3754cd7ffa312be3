"""The catalogue of resource types: its rows are about what the SDKs have, and every type that we meet has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from bulkhead.localclouds.providers import registry, sdk
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import ResourceType
from policies.catalogue import RULES
from policies.rule import Rule
from tests.support.stages import PRODUCTS, STAGES, rendered_identities, rendered_stage

ROWS = pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.token)


@cache
def shapes(package: str) -> dict[str, Any]:
    tokens = set(sdk.all_tokens(package))
    described = sdk.describe(package, [each for each in CATALOGUE if each.startswith(f"{package}:") and each in tokens])
    return {"tokens": tokens, **described}


def properties(row: ResourceType) -> set[str]:
    """Return what the SDK's class takes and gives back."""
    shape = shapes(row.provider)["types"][row.token]
    return {*shape["properties"], *shape["computed"], "id"}


def paths(row: ResourceType) -> Iterator[str]:
    """Yield every path that a row names."""
    yield from row.identity_inputs
    yield from row.connects
    yield from row.guards.inputs if row.guards else ()
    yield from (path for path in row.replaced_by if path != "*")
    yield from (reference.path for reference in row.references)
    yield from row.documents
    yield from row.secrets
    yield from row.tells
    yield from [row.named_by] if row.named_by else []


@ROWS
def test_a_token_is_that_of_a_class(row: ResourceType) -> None:
    assert row.token in shapes(row.provider)["tokens"]


@ROWS
def test_what_a_row_names_is_a_property_of_the_class(row: ResourceType) -> None:
    tops = {re.split(r"[.\[]", path)[0] for path in paths(row)}
    assert tops - properties(row) == set()


@ROWS
def test_a_set_is_a_list_of_the_class(row: ResourceType) -> None:
    described = shapes(row.provider)
    for path in row.unordered:
        shape: Any = {"object": row.token}
        for name in path.replace("[]", "").split("."):
            inner = shape.get("list", shape)["object"]
            shape = (described["types"] | described["objects"])[inner]["properties"][name]
        assert "list" in shape, path


@ROWS
def test_a_row_leads_to_rows(row: ResourceType) -> None:
    others = {to for reference in row.references for to in reference.to} | {
        row.use_instead,
        row.guards.of if row.guards else "",
    }
    assert others - {""} <= CATALOGUE.keys()
    assert row.use_instead != row.token


@ROWS
def test_what_is_not_admitted_says_why(row: ResourceType) -> None:
    assert row.admitted is True or len(str(row.admitted)) > len("deprecated")
    assert not (row.admitted is True and row.use_instead)


@ROWS
def test_what_takes_tags_in_aws_is_taggable(row: ResourceType) -> None:
    assert row.taggable == (row.provider == "aws" and "tags" in properties(row))


def test_a_constant_is_named_once() -> None:
    named = [value for name, value in vars(t).items() if isinstance(value, ResourceType)]
    assert len(named) == len(set(named)) == len(CATALOGUE)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_every_type_that_a_program_declares_is_admitted(product: str, stage: str) -> None:
    rendered = [*rendered_stage(product, stage).resources, *rendered_identities(product, stage).resources]
    declared = {each.type for each in rendered if each.custom and not each.type.startswith("pulumi:")}
    assert len(declared) > 10
    assert {type_ for type_ in declared if type_ not in CATALOGUE or CATALOGUE[type_].admitted is not True} == set()


def test_every_type_that_a_rule_or_a_rehearsal_knows_has_a_row() -> None:
    ruled = {each for rule in RULES if isinstance(rule, Rule) for each in rule.types}
    rehearsed = {each for table in registry.TABLES.values() for each in table}
    known = {each for each in ruled | rehearsed if not each.startswith("pulumi:")}
    assert len(known) > 50
    assert known - CATALOGUE.keys() == set()
