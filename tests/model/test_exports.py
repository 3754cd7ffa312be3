"""Which Durable Object classes a product exports, and what has to be there for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bulkhead.model.bindings import DurableObject, Secret
from bulkhead.model.exports import exports_of, unexported
from bulkhead.model.product import Product, ProductFault, StageSecret, Worker

BOOKING = Worker("booking", "booking.js", owns=("Ledger", "Chat"))
EXPORTER = Worker(
    "exporter",
    "exporter.js",
    host="export",
    exports=("Ledger",),
    bindings=(DurableObject("LEDGER", "Ledger", worker="booking"), Secret("EXPORT_KEY", "exportKey")),
)
KEY = StageSecret("exportKey", jobs=True)


def product(*workers: Worker, secret: StageSecret = KEY) -> Product:
    return Product("corner", workers, secrets=(secret,))


def test_a_product_says_what_it_exports_and_everything_else_is_out_of_scope() -> None:
    found = product(BOOKING, EXPORTER)
    exports = exports_of(found)
    assert exports is not None
    assert (exports.worker.name, exports.key, dict(exports.classes)) == ("exporter", "exportKey", {"Ledger": "booking"})
    assert unexported(found) == ("Chat",)


def test_a_product_without_exports_has_every_class_out_of_scope() -> None:
    found = Product("corner", (BOOKING,))
    assert exports_of(found) is None
    assert unexported(found) == ("Chat", "Ledger")


@pytest.mark.parametrize(
    ("exporter", "secret", "said"),
    [
        (replace(EXPORTER, host=None), KEY, "has no hostname"),
        (replace(EXPORTER, exports=("Chat",)), KEY, "Chat is no class of the product that this Worker reaches"),
        (EXPORTER, replace(KEY, jobs=False), "binds no secret"),
    ],
)
def test_what_an_export_needs_and_lacks_is_named(exporter: Worker, secret: StageSecret, said: str) -> None:
    with pytest.raises(ProductFault) as refused:
        product(BOOKING, exporter, secret=secret)
    assert said in "\n".join(map(str, refused.value.faults))


def test_a_second_worker_that_exports_is_named() -> None:
    second = replace(EXPORTER, name="other", bundle="other.js", host="other")
    with pytest.raises(ProductFault) as refused:
        product(BOOKING, EXPORTER, second)
    assert "workers.other.exports" in [fault.key for fault in refused.value.faults]
