"""The manifest of a stage: every name and id that is no secret, as one exported object.

From it come the Worker developers' configuration, the targets of operations and the comparison of stages. Shape
(camelCase, every key always there; ``null`` where the stage has no such thing)::

    {"product", "stage", "environment",
     "cloudflare": {"accountId", "zoneId", "hostname"},
     "aws": {"accountId", "region"},
     "github": {"owner", "repository", "environment"},
     "databases":  {<name>: {"name", "id", "migrations"}},
     "namespaces": {<name>: {"name", "id"}},
     "buckets":    {<name>: {"name"}},
     "queues":     {<name>: {"name", "id", "consumer", "deadLetter"}},
     "workers":    {<name>: {"name", "id", "version", "release", "sha256", "url", "grants", "owns", "crons"}},
     "vault":      {"bucket", "accessLogBucket", "keyArn", "lives", "locks",
                     "replica": {"bucket", "keyArn", "region"} or null} or null,
     "budget":     {"name", "monthlyUsd", "topicArn"}}

``consumer``, ``deadLetter`` and the keys in angle brackets are the product's own names; ``name`` is physical.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bulkhead.model.bundles import Bundle
from bulkhead.model.naming import Label
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.vault import lives, locks
from infra.components.budget import StageBudget
from infra.components.stores import DataStores
from infra.components.vault import BackupVault
from infra.components.workers import Workers


@dataclass(frozen=True, slots=True)
class Parts:
    """The deployed parts a manifest tells about."""

    label: Label
    settings: StageSettings
    product: Product
    bundles: Mapping[str, Bundle]
    urls: Mapping[str, str]
    stores: DataStores
    workers: Workers
    vault: BackupVault | None
    budget: StageBudget


def make_manifest(parts: Parts) -> dict[str, Any]:
    """Return the manifest; its leaves are plain values and outputs, so a preview shows all that is known already."""
    settings = parts.settings
    return {
        "product": parts.label.product,
        "stage": parts.label.stage.value,
        "environment": parts.label.environment,
        "cloudflare": {
            "accountId": settings.cloudflare.account_id,
            "zoneId": settings.cloudflare.zone_id,
            "hostname": settings.cloudflare.hostname,
        },
        "aws": {"accountId": settings.aws.account_id, "region": settings.region.primary},
        "github": {
            "owner": settings.github.owner,
            "repository": settings.github.repository,
            "environment": parts.label.github_environment,
        },
        **_stores(parts),
        "workers": _workers(parts),
        "vault": None if parts.vault is None else _vault(parts.vault, settings),
        "budget": {
            "name": parts.budget.budget.name,
            "monthlyUsd": settings.budget.monthly_usd,
            "topicArn": parts.budget.topic.arn,
        },
    }


def _stores(parts: Parts) -> dict[str, Any]:
    product, stores = parts.product, parts.stores
    return {
        "databases": {
            spec.name: {
                "name": stores.databases[spec.name].name,
                "id": stores.database_id(spec.name),
                "migrations": spec.migrations,
            }
            for spec in product.databases
        },
        "namespaces": {
            spec.name: {"name": stores.namespaces[spec.name].title, "id": stores.namespace_id(spec.name)}
            for spec in product.namespaces
        },
        "buckets": {spec.name: {"name": stores.bucket_name(spec.name)} for spec in product.buckets},
        "queues": {
            spec.name: {
                "name": stores.queue_name(spec.name),
                "id": stores.queues[spec.name].queue_id,
                "consumer": spec.consumer,
                "deadLetter": spec.dead_letter,
            }
            for spec in product.queues
        },
    }


def _workers(parts: Parts) -> dict[str, Any]:
    return {
        spec.name: {
            "name": parts.workers.workers[spec.name].worker.name,
            "id": parts.workers.workers[spec.name].worker.id,
            "version": parts.workers.workers[spec.name].version.id,
            "release": parts.bundles[spec.name].release,
            "sha256": parts.bundles[spec.name].sha256,
            "url": parts.urls.get(spec.name),
            "grants": list(spec.granted()),
            "owns": list(spec.owns),
            "crons": list(spec.crons or ()),
        }
        for spec in parts.product.workers
    }


def _vault(vault: BackupVault, settings: StageSettings) -> dict[str, Any]:
    return {
        "bucket": vault.store.name,
        "accessLogBucket": vault.access_log.name,
        "keyArn": vault.key.arn,
        "lives": {prefix: life.days for prefix, life in lives(settings.backup).items()},
        "locks": locks(settings.backup),
        "replica": vault.replica
        and {
            "bucket": vault.replica.store.name,
            "keyArn": vault.replica.key.arn,
            "region": settings.backup.replica_region,
        },
    }
