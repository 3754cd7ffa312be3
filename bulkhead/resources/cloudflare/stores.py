"""Cloudflare's stores and queues: whatever holds a product's data."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.cloudflare.workers import SCRIPTS
from bulkhead.resources.kind import Create, Guard, Link, Reference, Rehearsed, ResourceType, Scope
from bulkhead.resources.permissions import D1_WRITE, KV_WRITE, QUEUES_WRITE, R2_WRITE

D1_DATABASE: Final = ResourceType(
    "cloudflare:index/d1Database:D1Database",
    admitted=True,
    holds="its tables and every row in them",
    same=("accountId", "name"),
    leaves="",
    references=(),
    named_by="name",
    replaced_by=frozenset({"accountId", "jurisdiction", "name", "primaryLocationHint"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(D1_WRITE,),
)

QUEUE: Final = ResourceType(
    "cloudflare:index/queue:Queue",
    admitted=True,
    holds="every message that has not been consumed yet",
    same=("accountId", "queueName"),
    leaves="",
    references=(),
    named_by="queueName",
    replaced_by=frozenset({"accountId", "jurisdiction"}),
    create=Create.REFUSED,
    tells={"queueId": "{id}"},
    rehearsed=Rehearsed.EMULATED,
    needs=(QUEUES_WRITE,),
)

QUEUE_CONSUMER: Final = ResourceType(
    "cloudflare:index/queueConsumer:QueueConsumer",
    admitted=True,
    holds="",
    same=("accountId", "queueId"),
    leaves="",
    references=(
        Reference("queueId", Link.CONSUMER, (QUEUE,)),
        Reference("scriptName", Link.CONSUMER, SCRIPTS),
        Reference("deadLetterQueue", Link.CONSUMER, (QUEUE,)),
    ),
    guards=Guard(("scriptName",)),
    ends=("queueId", "scriptName"),
    replaced_by=frozenset({"accountId", "queueId"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(QUEUES_WRITE,),
)

R2_BUCKET: Final = ResourceType(
    "cloudflare:index/r2Bucket:R2Bucket",
    admitted=True,
    holds="every object in it",
    same=("accountId", "name"),
    leaves="",
    references=(),
    named_by="name",
    replaced_by=frozenset({"accountId", "jurisdiction", "name"}),
    create=Create.REFUSED,
    tells={"id": "{name}"},
    rehearsed=Rehearsed.EMULATED,
    needs=(R2_WRITE,),
)

R2_BUCKET_CORS: Final = ResourceType(
    "cloudflare:index/r2BucketCors:R2BucketCors",
    admitted=True,
    holds="",
    same=("accountId", "bucketName"),
    leaves="",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("rules",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    unfound="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

R2_BUCKET_LIFECYCLE: Final = ResourceType(
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle",
    admitted=True,
    holds="",
    same=("accountId", "bucketName"),
    leaves="objects go on expiring; rules without an expiry first would end that",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("rules",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    unfound="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

R2_BUCKET_LOCK: Final = ResourceType(
    "cloudflare:index/r2BucketLock:R2BucketLock",
    admitted=True,
    holds="",
    same=("accountId", "bucketName"),
    leaves="objects stay locked; rules=[] first would end that",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("rules",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    unfound="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

R2_CUSTOM_DOMAIN: Final = ResourceType(
    "cloudflare:index/r2CustomDomain:R2CustomDomain",
    admitted="it gives a bucket a public address; buckets are read through Workers only",
    holds="",
    same=("domain",),
    leaves="",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)), Reference("domain", Link.HOSTNAME)),
    scope=Scope.EVERYWHERE,
)

R2_MANAGED_DOMAIN: Final = ResourceType(
    "cloudflare:index/r2ManagedDomain:R2ManagedDomain",
    admitted=True,
    holds="",
    same=("accountId", "bucketName"),
    leaves="the bucket's r2.dev address stays as it is, on or off",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("enabled",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    unfound="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

SECRETS_STORE_SECRET: Final = ResourceType(
    "cloudflare:index/secretsStoreSecret:SecretsStoreSecret",
    admitted="no rule says yet who may read it",
    holds="the secret's value, unless somebody wrote it down elsewhere",
    same=("accountId", "storeId", "name"),
    leaves="",
    references=(),
    secrets=frozenset({"value"}),
)

WORKERS_KV_NAMESPACE: Final = ResourceType(
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace",
    admitted=True,
    holds="every key in it",
    same=("accountId", "title"),
    leaves="",
    references=(),
    named_by="title",
    replaced_by=frozenset({"accountId", "jurisdiction"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(KV_WRITE,),
)
