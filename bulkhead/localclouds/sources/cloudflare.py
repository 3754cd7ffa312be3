"""Where the rules of Cloudflare's types come from."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.sources.places import (
    Sources,
    cloudflare_client,
    cloudflare_docs,
    cloudflare_plugin,
    issue,
    refusals,
    wrangler,
)
from bulkhead.resources import types as t

_QUEUE_LIMITS: Final = cloudflare_docs("queues/platform/limits")
_BOUND_TO_NOTHING: Final = " ".join(
    (
        issue("flo-bit/blento", 2),  # 10041
        issue("cloudflare/workers-sdk", 9418),  # 10085
        issue("benmix/opencatd_worker", 15),  # 10143
        issue("tianma-if/edgeever", 311),  # 10181
    )
)

SOURCES: Final[Sources] = {
    t.D1_DATABASE: {
        cloudflare_client("d1/database_create_params.py"): (
            "one of: jurisdiction",
            "one of: primaryLocationHint",
            "one of: readReplication.mode",
        ),
        issue("cloudflare/terraform-provider-cloudflare", 6508): ("no_replication_at_birth", "defaults"),
        cloudflare_plugin("d1_database/schema.go"): ("replaced_by",),
        wrangler("d1/create.ts"): ("create",),
        cloudflare_plugin("d1_database/model.go"): ("computed", "unread"),
        cloudflare_plugin("d1_database/resource.go"): ("import_id",),
    },
    t.WORKERS_KV_NAMESPACE: {
        cloudflare_client("kv/namespace_create_params.py"): ("one of: jurisdiction",),
        f"{cloudflare_plugin('workers_kv_namespace/schema.go')} {cloudflare_client('kv/namespace_create_params.py')}": (
            "replaced_by",
        ),
        issue("cloudflare/workers-sdk", 13242): ("create",),
        cloudflare_plugin("workers_kv_namespace/model.go"): ("computed",),
        cloudflare_plugin("workers_kv_namespace/resource.go"): ("import_id",),
    },
    t.R2_BUCKET: {
        issue("cloudflare/workers-sdk", 9253): ("shaped: name",),
        cloudflare_client("r2/bucket_create_params.py"): (
            "one of: jurisdiction",
            "one of: location",
            "one of: storageClass",
        ),
        "https://docs.rs/cloudflare/0.9.1/cloudflare/endpoints/r2/": ("create",),
        cloudflare_plugin("r2_bucket/schema.go"): ("defaults",),
        cloudflare_plugin("r2_bucket/model.go"): ("computed",),
        cloudflare_plugin("r2_bucket/resource.go"): ("import_id",),
    },
    t.R2_BUCKET_LIFECYCLE: {
        cloudflare_client("r2/buckets/lifecycle_update_params.py"): ("one of: jurisdiction",),
        cloudflare_plugin("r2_bucket_lifecycle/schema.go"): (
            "by kind: rules[*].abortMultipartUploadsTransition.condition",
            "by kind: rules[*].deleteObjectsTransition.condition",
            "by kind: rules[*].storageClassTransitions[*].condition",
            "one of: rules[*].storageClassTransitions[*].storageClass",
            "defaults",
        ),
        refusals("r2/putBucketLifecycle.json"): ("bucket_exists",),
        cloudflare_plugin("r2_bucket_lifecycle/resource.go"): ("create", "left_behind"),
    },
    t.R2_BUCKET_LOCK: {
        cloudflare_client("r2/buckets/lock_update_params.py"): ("one of: jurisdiction",),
        cloudflare_plugin("r2_bucket_lock/schema.go"): ("by kind: rules[*].condition", "defaults"),
        refusals("r2/putBucketLock.json"): ("bucket_exists",),
        cloudflare_plugin("r2_bucket_lock/resource.go"): ("create", "left_behind"),
    },
    t.R2_BUCKET_CORS: {
        cloudflare_client("r2/buckets/cors_update_params.py"): ("one of: jurisdiction",),
        cloudflare_plugin("r2_bucket_cors/schema.go"): ("one of: rules[*].allowed.methods[*]", "defaults"),
        refusals("r2/putBucketCors.json"): ("bucket_exists",),
        cloudflare_plugin("r2_bucket_cors/resource.go"): ("create",),
    },
    t.R2_MANAGED_DOMAIN: {
        cloudflare_client("r2/buckets/domains/managed_update_params.py"): ("one of: jurisdiction",),
        refusals("r2/putBucketDomainManaged.json"): ("bucket_exists",),
        cloudflare_plugin("r2_managed_domain/schema.go"): ("defaults",),
        cloudflare_plugin("r2_managed_domain/resource.go"): ("create", "left_behind"),
        cloudflare_plugin("r2_managed_domain/model.go"): ("computed",),
    },
    t.QUEUE: {
        _QUEUE_LIMITS: ("between: settings.deliveryDelay", "between: settings.messageRetentionPeriod"),
        issue("alchemy-run/distilled", 432): ("unbound: queue",),
        f"{cloudflare_plugin('queue/schema.go')} {cloudflare_client('queues/queue_create_params.py')}": (
            "replaced_by",
        ),
        cloudflare_plugin("queue/model.go"): ("computed",),
        cloudflare_plugin("queue/resource.go"): ("import_id",),
    },
    t.QUEUE_CONSUMER: {
        _QUEUE_LIMITS: (
            "between: settings.batchSize",
            "between: settings.maxRetries",
            "between: settings.maxWaitTimeMs",
            "between: settings.maxConcurrency",
            "between: settings.retryDelay",
        ),
        cloudflare_plugin("queue_consumer/schema.go"): ("replaced_by",),
        issue("cloudflare/workers-sdk", 5347): ("create",),
        cloudflare_plugin("queue_consumer/model.go"): ("computed",),
    },
    t.ACCOUNT_TOKEN: {
        cloudflare_plugin("account_token/schema.go"): (
            "one of: policies[*].effect",
            "json text: policies[*].resources",
            "one of: status",
            "replaced_by",
            "secrets",
        ),
        cloudflare_plugin("account_token/model.go"): ("computed",),
        cloudflare_client("accounts/token_create_params.py"): ("addresses_readable",),
        cloudflare_plugin("account_token/resource.go"): ("import_id",),
    },
    t.ZERO_TRUST_ACCESS_APPLICATION: {
        cloudflare_plugin("zero_trust_access_application/schema.go"): (
            "one of: type",
            "one of: destinations[*].type",
            "between: policies[*].precedence",
            "unordered",
            "replaced_by",
        ),
        cloudflare_plugin("zero_trust_access_application/plan_modifiers.go"): (
            "lasts: sessionDuration",
            "defaults",
            "computed",
        ),
        cloudflare_client("zero_trust/access/application_create_params.py"): ("one of: sameSiteCookieAttribute",),
        cloudflare_docs("cloudflare-one/access-controls/policies/app-paths"): ("shaped: destinations[*].uri",),
        cloudflare_plugin("zero_trust_access_application/resource.go"): ("import_id",),
    },
    t.ZERO_TRUST_ACCESS_POLICY: {
        cloudflare_plugin("zero_trust_access_policy/schema.go"): (
            "one of: decision",
            "unordered",
            "replaced_by",
            "defaults",
            "lasts: sessionDuration",
        ),
        cloudflare_plugin("zero_trust_access_policy/resource.go"): ("import_id",),
    },
    t.ZERO_TRUST_ACCESS_SERVICE_TOKEN: {
        cloudflare_plugin("zero_trust_access_service_token/schema.go"): (
            "of_an_account",
            "lasts: duration",
            "version_and_end_together",
            "replaced_by",
            "secrets",
            "defaults",
        ),
        cloudflare_plugin("zero_trust_access_service_token/model.go"): ("computed", "unread"),
        cloudflare_plugin("zero_trust_access_service_token/resource.go"): ("import_id",),
    },
    t.WORKER_VERSION: {
        cloudflare_plugin("worker_version/schema.go"): (
            "unordered",
            "exactly one: modules[*]",
            "one of: usageModel",
            "replaced_by",
            "plan",
            "defaults",
        ),
        cloudflare_client("workers/beta/workers/version_create_params.py"): (
            "by kind: bindings[*]",
            "shaped: annotations.workersTag",
            "one of: exports.*.type",
            "one of: exports.*.storage",
            "one of: exports.*.state",
            "durable_object_exports",
        ),
        cloudflare_docs("workers/static-assets/direct-upload"): ("code_or_assets", "assets_for_their_binding"),
        cloudflare_plugin("worker_version/model.go"): ("json text: bindings[*].json", "computed"),
        f"{cloudflare_docs('workers/platform/limits')} {cloudflare_docs('workers/observability/errors')}": ("limits",),
        cloudflare_docs("workers/platform/limits"): ("between: limits.cpuMs",),
        issue("cloudflare/workers-sdk", 5453): ("not_yet_to_come",),
        cloudflare_docs("durable-objects/reference/durable-object-class-migrations-legacy"): (
            "at most one: exports, migrations",
        ),
        _BOUND_TO_NOTHING: ("bindings_lead_somewhere",),
        f"{issue('cloudflare/workers-sdk', 10246)} {issue('cloudflare/cloudflare-docs', 32982)}": (
            "classes_are_provisioned",
        ),
        cloudflare_plugin("worker_version/resource.go"): ("left_behind", "import_id"),
    },
    t.WORKER: {
        cloudflare_client("workers/beta/worker_create_params.py"): (
            "between: observability.headSamplingRate",
            "between: observability.logs.headSamplingRate",
            "between: observability.traces.headSamplingRate",
            "one of: observability.traces.propagationPolicy",
        ),
        cloudflare_plugin("worker/schema.go"): ("distinct: tags[*]", "replaced_by", "defaults", "unordered"),
        f"{issue('cloudflare/workers-sdk', 3370)} {issue('cloudflare/workers-sdk', 3426)}": ("nobody_needs_it",),
        cloudflare_plugin("worker/model.go"): ("computed",),
        cloudflare_plugin("worker/resource.go"): ("import_id",),
    },
    t.WORKERS_DEPLOYMENT: {
        cloudflare_plugin("workers_deployment/schema.go"): (
            "one of: strategy",
            "between: versions[*].percentage",
            "replaced_by",
        ),
        cloudflare_docs("workers/versions-and-deployments"): ("sized: versions",),
        cloudflare_docs("workers/versions-and-deployments/gradual-deployments"): ("versions_agree_on_classes",),
        cloudflare_client("workers/scripts/deployment_create_params.py"): ("adds_up",),
        cloudflare_plugin("workers_deployment/model.go"): ("computed",),
        cloudflare_plugin("workers_deployment/resource.go"): ("left_behind", "import_id"),
    },
    t.WORKERS_CRON_TRIGGER: {
        "https://github.com/cloudflare/saffron/blob/main/saffron/src/parse.rs": ("times",),
        cloudflare_plugin("workers_cron_trigger/schema.go"): ("replaced_by",),
        cloudflare_plugin("workers_cron_trigger/resource.go"): ("left_behind", "import_id"),
    },
    t.WORKERS_CUSTOM_DOMAIN: {
        issue("alchemy-run/alchemy-async", 1384): ("create",),
        cloudflare_plugin("workers_custom_domain/schema.go"): ("replaced_by",),
        issue("cloudflare/terraform-provider-cloudflare", 6907): ("defaults",),
        cloudflare_client("workers/domain_get_response.py"): ("computed",),
        cloudflare_plugin("workers_custom_domain/resource.go"): ("import_id",),
    },
    t.WORKERS_ROUTE: {
        cloudflare_docs("workers/configuration/routing/routes"): ("pattern",),
        issue("alchemy-run/distilled", 368): ("script_exists",),
        issue("cloudflare/workers-sdk", 1585): ("create",),
        cloudflare_plugin("workers_route/schema.go"): ("replaced_by",),
        cloudflare_plugin("workers_route/resource.go"): ("import_id",),
    },
}
