"""Which stores of a product a stage's backups hold."""

from __future__ import annotations

from bulkhead.model.product import Namespace, Product, Worker
from bulkhead.model.settings.scope import scope_faults
from tests.support.settings_fixture import make_settings

PRODUCT = Product("corner", (Worker("web", "web.js"),), namespaces=(Namespace("sessions"), Namespace("answers")))


def test_a_stage_chooses_the_namespaces_that_are_kept() -> None:
    assert make_settings("staging").backup.kv == ()
    settings = make_settings("staging", {"backup": {"kv": ["answers"]}})
    assert list(scope_faults(settings, PRODUCT)) == []


def test_a_namespace_that_the_product_does_not_have_is_named() -> None:
    settings = make_settings("staging", {"backup": {"kv": ["answers", "sesions"]}})
    (fault,) = scope_faults(settings, PRODUCT)
    assert fault.key == "bulkhead:backup.kv"
    assert "names sesions, and the product's KV namespaces are sessions, answers" in fault.message
