"""A small product that a test deploys: a public Worker that calls another one, and a database with migrations."""

from __future__ import annotations

from typing import Final

from bulkhead.model.bindings import D1, Service, VersionMetadata
from bulkhead.model.product import APEX, Database, Probe, Product, Worker

MIGRATIONS: Final = "worker/migrations/main"
NAME: Final = "tests.support.ferry:FERRY"
FERRY: Final = Product(
    "harbor",
    workers=(
        Worker("web", "worker/web.js", host=APEX, bindings=(Service("CLERK", "clerk"), VersionMetadata("VERSION"))),
        Worker("clerk", "worker/clerk.js", bindings=(D1("DB", "main"), VersionMetadata("VERSION"))),
    ),
    databases=(Database("main", migrations=MIGRATIONS),),
    probes=(Probe("home", "web", "/", holds="ferry", reaches=("clerk",)),),
)
