"""The manifest of a stage as `pulumi stack output manifest --json` prints it, without a program or an engine."""

from __future__ import annotations

from typing import Any

from bulkhead.model.naming import Kind
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings


def make_manifest(product: Product, settings: StageSettings) -> dict[str, Any]:
    """Return what infra.manifest exports, as far as a Worker's configuration needs it; ids are made up."""
    label = settings.label(product.name)

    def named(kind: Kind, names: list[str], **more: str) -> dict[str, Any]:
        return {
            name: {"name": label.name(kind, name), "id": f"{label.environment[0]}{kind.value}-{name}", **more}
            for name in names
        }

    return {
        "product": product.name,
        "stage": settings.stage.value,
        "environment": settings.environment,
        "cloudflare": {
            "accountId": settings.cloudflare.account_id,
            "zoneId": settings.cloudflare.zone_id,
            "hostname": settings.cloudflare.hostname,
        },
        "databases": named(Kind.D1, [each.name for each in product.databases]),
        "namespaces": named(Kind.KV, [each.name for each in product.namespaces]),
        "buckets": named(Kind.R2, [each.name for each in product.buckets]),
        "queues": named(Kind.QUEUE, [each.name for each in product.queues]),
        "workers": named(Kind.WORKER, [each.name for each in product.workers], release="0123456789ab"),
    }
