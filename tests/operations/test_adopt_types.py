"""Every type that a stage and its identities consist of is looked for or simply made again; none is forgotten."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import get_overloads

import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB
from bulkhead.clients.rest import Rest
from bulkhead.engine.rendered import Rendered
from bulkhead.model.naming import Stage
from bulkhead.operations.adopt.aws import AwsFinder
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.operations.adopt.everywhere import Finders
from bulkhead.operations.adopt.github import GitHubFinder
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from tests.support.stages import PRODUCTS, rendered_identities, rendered_stage

MADE_AGAIN = {row for row in CATALOGUE.values() if row.made_again}
# Can be imported, but each is made again on purpose: its row says what is done instead.
MADE_AGAIN_ANYWAY = {
    "cloudflare:index/workerVersion:WorkerVersion",
    "cloudflare:index/workersDeployment:WorkersDeployment",
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
}
UNIMPORTABLE = "This resource does not currently support `pulumi import`."


def everywhere() -> Finders:
    return Finders(
        {
            "aws": AwsFinder(lambda service: pytest.fail(f"{service} was asked"), "333333333333", "ap-northeast-1"),
            "cloudflare": CloudflareFinder(Rest(CLOUDFLARE, "token")),
            "github": GitHubFinder(Rest(GITHUB, "token"), "harbor-inc"),
        }
    )


@pytest.mark.parametrize("rendered", [rendered_stage, rendered_identities])
@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("product", PRODUCTS)
def test_each_type_of_a_stage_is_either_looked_for_or_made_again(
    rendered: Callable[[str, str], Rendered], product: str, stage: str
) -> None:
    types = types_of(rendered(product, stage))
    assert len(types) > 7
    finder = everywhere()
    assert {type_ for type_ in types if finder.knows(type_) == (type_ in MADE_AGAIN)} == set()


def types_of(rendered: Rendered) -> set[str]:
    made = (one for one in rendered.resources if one.custom and not (one.is_provider or one.read))
    return {one.type for one in made} - {"pulumi:pulumi:Stack"}


def test_what_the_provider_cannot_import_is_never_imported() -> None:
    finder = everywhere()
    stacks = [
        rendered(product, "production") for product in PRODUCTS for rendered in (rendered_stage, rendered_identities)
    ]
    documented = {type_ for stack in stacks for type_ in types_of(stack) if UNIMPORTABLE in documentation(type_)}
    assert documented
    assert documented <= {t.QUEUE_CONSUMER, *MADE_AGAIN}
    assert {type_ for type_ in documented if finder.knows(type_)} == {t.QUEUE_CONSUMER}


@pytest.mark.parametrize("type_", sorted({t.QUEUE_CONSUMER, *MADE_AGAIN} - MADE_AGAIN_ANYWAY))
def test_what_could_be_imported_is_not_left_out(type_: str) -> None:
    assert UNIMPORTABLE in documentation(type_)


def documentation(type_: str) -> str:
    """Return what the SDK says of a type of Cloudflare's."""
    package, _, name = type_.rpartition(":")
    if not package.startswith("cloudflare:"):
        return ""
    constructor = getattr(importlib.import_module("pulumi_cloudflare"), name).__init__
    return "".join(str(overload.__doc__) for overload in get_overloads(constructor))
