"""The stage's Cloudflare stores: everything that holds data or messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_cloudflare as cloudflare

from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Bucket, Product
from bulkhead.model.settings import StageSettings

_DAY: Final = 86_400
_CORS_MAX_AGE_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True)
class DataStoresArgs:
    """``origins`` are the stage's own web origins (``https://...``): the only ones CORS lets into a bucket."""

    label: Label
    settings: StageSettings
    product: Product
    origins: tuple[str, ...]


class DataStores(pulumi.ComponentResource):
    """D1 databases, KV namespaces, R2 buckets and queues of one stage.

    Every bucket has its public r2.dev address switched off and says its whole lifecycle. The Worker bindings to these
    stores come from ``database_id``, ``namespace_id``, ``bucket_name`` and ``queue_name``, so a Worker always waits for
    what it is bound to.

    Left out: the tables inside a database (SQL migrations are a step of the pipeline, because the provider has none),
    Durable Objects (they come with the Worker that owns the class) and R2 custom domains (buckets are reached through
    Workers). Jurisdictions are not used: a hint keeps the data in the region and can be said of every kind of store.

    ``database.read_replication`` goes to D1 as it is set. The API may refuse ``auto`` for a database that does not
    exist yet, so it is switched on by changing the setting after the first ``pulumi up``.
    """

    def __init__(self, name: str, args: DataStoresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:data:DataStores", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        product = args.product
        self.databases = {part.name: self._database(part.name) for part in product.databases}
        self.namespaces = {part.name: self._namespace(part.name) for part in product.namespaces}
        self.buckets = {part.name: self._bucket(part) for part in product.buckets}
        self.queues = {part.name: self._queue(part.name) for part in product.queues}
        self.register_outputs(
            {
                "databases": {name: database.id for name, database in self.databases.items()},
                "namespaces": {name: namespace.id for name, namespace in self.namespaces.items()},
                "buckets": {name: bucket.name for name, bucket in self.buckets.items()},
                "queues": {name: queue.queue_id for name, queue in self.queues.items()},
            }
        )

    def database_id(self, database: str) -> pulumi.Output[str]:
        return self.databases[database].id

    def namespace_id(self, namespace: str) -> pulumi.Output[str]:
        return self.namespaces[namespace].id

    def bucket_name(self, bucket: str) -> pulumi.Output[str]:
        return self.buckets[bucket].name

    def queue_name(self, queue: str) -> pulumi.Output[str]:
        return self.queues[queue].queue_name

    @property
    def _account(self) -> str:
        return self._args.settings.cloudflare.account_id

    def _database(self, name: str) -> cloudflare.D1Database:
        settings = self._args.settings
        return cloudflare.D1Database(
            f"d1-{name}",
            account_id=self._account,
            name=self._args.label.name(Kind.D1, name),
            primary_location_hint=settings.region.d1,
            # Always set: if it is left out, the provider sends null at the next update and the API answers 400
            # (cloudflare/terraform-provider-cloudflare#6309).
            read_replication={"mode": settings.database.read_replication},
            # The hint counts at creation only, and the API never returns it: after an import the provider would see a
            # new value, and replace the database with everything in it.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["primaryLocationHint"]),
        )

    def _namespace(self, name: str) -> cloudflare.WorkersKvNamespace:
        title = self._args.label.name(Kind.KV, name)
        return cloudflare.WorkersKvNamespace(f"kv-{name}", account_id=self._account, title=title, opts=self._child)

    def _queue(self, name: str) -> cloudflare.Queue:
        physical = self._args.label.name(Kind.QUEUE, name)
        return cloudflare.Queue(f"queue-{name}", account_id=self._account, queue_name=physical, opts=self._child)

    def _bucket(self, spec: Bucket) -> cloudflare.R2Bucket:
        bucket = cloudflare.R2Bucket(
            f"r2-{spec.name}",
            account_id=self._account,
            name=self._args.label.name(Kind.R2, spec.name),
            location=self._args.settings.region.r2,
            opts=self._child,
        )
        cloudflare.R2ManagedDomain(
            f"r2-{spec.name}-no-public-address",
            account_id=self._account,
            bucket_name=bucket.name,
            enabled=False,
            opts=self._child,
        )
        cloudflare.R2BucketLifecycle(
            f"r2-{spec.name}-lifecycle",
            account_id=self._account,
            bucket_name=bucket.name,
            rules=lifecycle_rules(spec),
            opts=self._child,
        )
        if spec.evidence_days is not None and self._args.settings.protected:
            cloudflare.R2BucketLock(
                f"r2-{spec.name}-lock",
                account_id=self._account,
                bucket_name=bucket.name,
                # Of a lock that is not said any more, the rules would stay: its provider deletes nothing.
                rules=[
                    {
                        "id": "evidence",
                        "enabled": True,
                        "prefix": "",
                        "condition": {"type": "Age", "max_age_seconds": spec.evidence_days * _DAY},
                    }
                ]
                if spec.evidence_days
                else [],
                opts=self._child,
            )
        if spec.browser_access:
            cloudflare.R2BucketCors(
                f"r2-{spec.name}-cors",
                account_id=self._account,
                bucket_name=bucket.name,
                rules=[_own_pages_only(self._args.origins)],
                opts=self._child,
            )
        return bucket


def lifecycle_rules(spec: Bucket) -> list[cloudflare.R2BucketLifecycleRuleArgsDict]:
    """Return every lifecycle rule of a bucket. Cloudflare replaces the whole set, its own built-in rule for abandoned
    uploads included, so that one is repeated first."""
    abandoned: cloudflare.R2BucketLifecycleRuleArgsDict = {
        "id": "abort-abandoned-uploads",
        "enabled": True,
        "conditions": {"prefix": ""},
        "abort_multipart_uploads_transition": {"condition": {"type": "Age", "max_age": 7 * _DAY}},
    }
    expiring: list[cloudflare.R2BucketLifecycleRuleArgsDict] = [
        {
            "id": f"expire-{prefix.strip('/').replace('/', '-') or 'everything'}",
            "enabled": True,
            "conditions": {"prefix": prefix},
            "delete_objects_transition": {"condition": {"type": "Age", "max_age": days * _DAY}},
        }
        for prefix, days in spec.expire_after_days
    ]
    return [abandoned, *expiring]


def _own_pages_only(origins: Sequence[str]) -> cloudflare.R2BucketCorsRuleArgsDict:
    return {
        "id": "own-pages-only",
        "allowed": {"origins": list(origins), "methods": ["GET", "HEAD", "PUT"], "headers": ["content-type"]},
        "expose_headers": ["etag"],
        "max_age_seconds": _CORS_MAX_AGE_SECONDS,
    }
