"""Another product: one Worker, two databases, and no Durable Object: what holds for it is no luck of the first."""

from dataclasses import replace
from typing import Final

from bulkhead.model.bindings import D1, R2, AnalyticsEngine, Secret
from bulkhead.model.product import APEX, Bucket, Database, Product, StageSecret, Worker

BUNDLE: Final = "tests/support/hello.js"

SHOP: Final = Worker(
    name="shop",
    bundle=BUNDLE,
    host=APEX,
    cpu_ms=50,
    bindings=(
        D1("ORDERS", "orders"),
        D1("CATALOGUE", "catalogue"),
        R2("PHOTOS", "photos"),
        AnalyticsEngine("VISITS", "visits"),
        Secret("PAYMENT_KEY", "paymentKey"),
    ),
)

SECOND_PRODUCT: Final = Product(
    name="corner",
    workers=(SHOP,),
    databases=(Database("orders"), Database("catalogue")),
    buckets=(Bucket("photos", browser_access=True, evidence_days=365),),
    secrets=(StageSecret("paymentKey", rotate_after_days=30), StageSecret("mailKey", jobs=True)),
)

# The same before its bundle was ever built.
UNBUILT: Final = replace(SECOND_PRODUCT, workers=(replace(SHOP, bundle="tests/support/never-built.js"),))
