"""Each right of a role is explained by calls that Cloudflare has."""

from __future__ import annotations

import pytest

from bulkhead.localclouds.cloudflare.api.permissions import TABLE
from bulkhead.model.product import Product
from bulkhead.model.roles import Role
from bulkhead.rehearsal.keys import calls_of
from infra.product import PRODUCT
from tests.support.second_product import SECOND_PRODUCT

every_role = pytest.mark.parametrize("role", Role)
every_product = pytest.mark.parametrize("product", [PRODUCT, SECOND_PRODUCT], ids=lambda product: product.name)


@every_role
@every_product
def test_each_permission_is_needed_by_a_call_that_accepts_it(role: Role, product: Product) -> None:
    for need, calls in calls_of(role, product).items():
        assert calls, f"no call needs {need.permission.name}"
        for method, route in (call.split(" ") for call in calls if not call.startswith("S3 ")):
            assert TABLE.has(method, route), f"{method} {route}"
            accepted = TABLE.accepted(method, route)
            assert accepted is None or need.permission.name in accepted, "None: nobody says"


@every_role
def test_what_no_rehearsal_tries_says_so_and_why(role: Role) -> None:
    for need in calls_of(role, PRODUCT):
        assert bool(need.untried) == bool(need.calls), "a task that somebody rehearses needs no excuse"
