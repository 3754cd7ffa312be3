"""Cloudflare's stores and queues: whatever holds a product's data."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.cloudflare.workers import SCRIPTS
from bulkhead.resources.kind import Create, Guard, Link, Reference, Rehearsed, ResourceType, Scope
from bulkhead.resources.permissions import D1_WRITE, KV_WRITE, R2_WRITE, SCRIPTS_WRITE

D1_DATABASE: Final = ResourceType(
    "cloudflare:index/d1Database:D1Database",
    admitted=True,
    holds_data="its tables and every row in them",
    identity_inputs=("accountId", "name"),
    left_behind="",
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
    holds_data="every message that has not been consumed yet",
    identity_inputs=("accountId", "queueName"),
    left_behind="",
    references=(),
    named_by="queueName",
    replaced_by=frozenset({"accountId", "jurisdiction"}),
    create=Create.REFUSED,
    tells={"queueId": "{id}"},
    rehearsed=Rehearsed.EMULATED,
    needs=(SCRIPTS_WRITE,),  # its routes accept Queues Write as well, which adds nothing where there are Workers
)

QUEUE_CONSUMER: Final = ResourceType(
    "cloudflare:index/queueConsumer:QueueConsumer",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "queueId"),
    left_behind="",
    references=(
        Reference("queueId", Link.CONSUMER, (QUEUE,)),
        Reference("scriptName", Link.CONSUMER, SCRIPTS),
        Reference("deadLetterQueue", Link.CONSUMER, (QUEUE,)),
    ),
    guards=Guard(("scriptName",)),
    connects=("queueId", "scriptName"),
    replaced_by=frozenset({"accountId", "queueId"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(SCRIPTS_WRITE,),  # its routes accept Queues Write as well, which adds nothing where there are Workers
    triggers=True,
)

R2_BUCKET: Final = ResourceType(
    "cloudflare:index/r2Bucket:R2Bucket",
    admitted=True,
    holds_data="every object in it",
    identity_inputs=("accountId", "name"),
    left_behind="",
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
    holds_data="",
    identity_inputs=("accountId", "bucketName"),
    left_behind="",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("rules",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    made_again="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

R2_BUCKET_LIFECYCLE: Final = ResourceType(
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle",
    admitted=True,
    unjudged="the product says what is evidence, and that is locked, whatever expires",
    holds_data="",
    identity_inputs=("accountId", "bucketName"),
    left_behind="objects go on expiring; rules without an expiry first would end that",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("rules",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    made_again="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

R2_BUCKET_LOCK: Final = ResourceType(
    "cloudflare:index/r2BucketLock:R2BucketLock",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "bucketName"),
    left_behind="objects stay locked; rules=[] first would end that",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("rules",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    made_again="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

R2_CUSTOM_DOMAIN: Final = ResourceType(
    "cloudflare:index/r2CustomDomain:R2CustomDomain",
    admitted="it gives a bucket a public address; buckets are read through Workers only",
    holds_data="",
    identity_inputs=("domain",),
    left_behind="",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)), Reference("domain", Link.HOSTNAME)),
    scope=Scope.EVERYWHERE,
)

R2_MANAGED_DOMAIN: Final = ResourceType(
    "cloudflare:index/r2ManagedDomain:R2ManagedDomain",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "bucketName"),
    left_behind="the bucket's r2.dev address stays as it is, on or off",
    references=(Reference("bucketName", Link.BUCKET, (R2_BUCKET,)),),
    guards=Guard(("enabled",)),
    replaced_by=frozenset({"accountId", "bucketName", "jurisdiction"}),
    create=Create.UPSERTS,
    made_again="is written again",
    rehearsed=Rehearsed.RECORDED,
    needs=(R2_WRITE,),
)

SECRETS_STORE_SECRET: Final = ResourceType(
    "cloudflare:index/secretsStoreSecret:SecretsStoreSecret",
    admitted="no rule says yet who may read it",
    holds_data="the secret's value, unless somebody wrote it down elsewhere",
    identity_inputs=("accountId", "storeId", "name"),
    left_behind="",
    references=(),
    secrets=frozenset({"value"}),
)

WORKERS_KV_NAMESPACE: Final = ResourceType(
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace",
    admitted=True,
    holds_data="every key in it",
    identity_inputs=("accountId", "title"),
    left_behind="",
    references=(),
    named_by="title",
    replaced_by=frozenset({"accountId", "jurisdiction"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(KV_WRITE,),
)
