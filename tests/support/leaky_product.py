"""A product whose Worker calls another machine: a rehearsal must see it and say so."""

from typing import Final

from bulkhead.model.product import APEX, Product, Worker

LEAKY_PRODUCT: Final = Product(
    name="leaky", workers=(Worker(name="gossip", bundle="tests/support/leaky.js", host=APEX, cpu_ms=50),)
)
