"""Whole stages, rendered: what the program would tell the engine for one product and one stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import pulumi

from infra.blueprint import Product
from infra.product import PRODUCT
from infra.stage import deploy
from tests.support.mocks import Rendered, render
from tests.support.second_product import BUNDLE, SECOND_PRODUCT
from tests.support.settings_fixture import make_secrets, make_settings

STAGES: Final = ("development", "staging", "production")

# The product's own bundles need a build; what a Worker does plays no part in how it is deployed.
FIRST_PRODUCT: Final = replace(PRODUCT, workers=tuple(replace(worker, bundle=BUNDLE) for worker in PRODUCT.workers))
PRODUCTS: Final = {"first": FIRST_PRODUCT, "second": SECOND_PRODUCT}


def render_stage(product: Product, environment: str, changes: Mapping[str, Any] | None = None) -> Rendered:
    """Return everything that makes up one stage; ``changes`` are laid over its settings, spelt as in YAML."""

    def program() -> None:
        outputs = deploy(product, make_settings(environment, changes), make_secrets(product, environment))
        pulumi.export("urls", outputs.urls)
        pulumi.export("manifest", outputs.manifest)

    return render(program, environment)


@cache
def rendered_stage(product: str, environment: str) -> Rendered:
    """Return ``render_stage`` of one of PRODUCTS with the usual settings, rendered once however many tests look."""
    return render_stage(PRODUCTS[product], environment)
