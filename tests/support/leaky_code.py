"""A product whose Worker uses, in its source, a namespace that it is not granted: both the compiler and the check of
the bindings must see it."""

from typing import Final

from bulkhead.model.bindings import KV
from bulkhead.model.product import APEX, Namespace, Product, Worker

USE: Final = "tests/support/leaky_worker/index.ts:11:21"

LEAKY_CODE: Final = Product(
    name="leaky",
    workers=(
        Worker(
            name="borrower",
            bundle="tests/support/leaky_worker/dist.js",
            source="tests/support/leaky_worker/index.ts",
            host=APEX,
            bindings=(KV("SESSIONS", "sessions", access="read"),),
        ),
    ),
    namespaces=(Namespace("sessions"), Namespace("answers")),
)
