"""Stores that are not called after their place: of the product, one each, and in no other stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.model.faults import Fault
from bulkhead.model.naming import Kind
from bulkhead.model.product import Database
from bulkhead.model.settings.stores import shared_stores, store_faults
from infra.product import PRODUCT
from tests.support.settings_fixture import make_settings

[DATABASE] = PRODUCT.databases
TWO = replace(PRODUCT, databases=(DATABASE, Database("second")))


def faults(names: dict[str, Any], product: Any = TWO) -> list[Fault]:
    return list(store_faults(make_settings("staging", {"stores": {"databases": names}}), product))


def test_a_store_is_called_as_the_setting_says() -> None:
    settings = make_settings("staging", {"stores": {"databases": {DATABASE.name: "bookings-2"}}})
    label = settings.label(PRODUCT.name)
    assert label.name(Kind.D1, DATABASE.name) == "bookings-2"
    assert label.name(Kind.KV, DATABASE.name).startswith("harbor-staging-kv-")
    assert label.name(Kind.D1, "scratch", DATABASE.name).startswith("harbor-staging-d1-scratch-")


def test_names_of_the_stages_own_are_taken() -> None:
    assert faults({DATABASE.name: "harbor-staging-d1-main-2", "second": "Bookings_old"}) == []


def test_a_store_that_the_product_does_not_have_is_a_fault() -> None:
    [fault] = faults({"mian": "bookings"})
    assert fault.key == "bulkhead:stores.databases.mian"
    assert "second" in fault.message
    assert "pulumi config rm" in fault.fix


def test_the_usual_name_of_another_store_is_a_fault() -> None:
    [fault] = faults({DATABASE.name: "harbor-staging-d1-second"})
    assert "second" in fault.message


def test_two_names_may_be_exchanged() -> None:
    label = make_settings("staging").label(PRODUCT.name)
    assert faults({DATABASE.name: label.name(Kind.D1, "second"), "second": label.name(Kind.D1, DATABASE.name)}) == []


def test_two_stages_do_not_share_a_store_in_one_account() -> None:
    shared = {"stores": {"databases": {DATABASE.name: "bookings"}}}
    account = {"cloudflare": {"accountId": "0" * 32}}
    both = [(make_settings(stage, {**shared, **account}), PRODUCT) for stage in ("development", "staging")]
    [fault] = shared_stores(both)
    assert "development" in fault.message
    apart = [
        (make_settings(stage, {**shared, "cloudflare": {"accountId": digit * 32}}), PRODUCT)
        for digit, stage in (("0", "development"), ("1", "staging"))
    ]
    assert list(shared_stores(apart)) == []


@pytest.mark.parametrize("names", [{"main": "a", "second": "a"}, {"main": "harbor-production-d1-main"}])
def test_one_name_twice_or_another_stages_is_refused(names: dict[str, str]) -> None:
    with pytest.raises(Exception, match=r"both would be one store|that stage's data"):
        make_settings("staging", {"stores": {"databases": names}})
