"""Types of which nothing is lost when they go, or which a rule of their own looks at.

Written out rather than taken from what the policies have reviewed: a type that is right to make may hold data all the
same. One that is in neither list, here or in `stores.HOLDS`, stops a change that deletes or replaces it.
"""

from __future__ import annotations

from typing import Final

from bulkhead.resources import types as t

HARMLESS: Final = frozenset(
    {
        # Made again from the program: settings, rights, addresses, notices.
        t.ACCOUNT_TOKEN,
        t.API_TOKEN,
        t.BUDGET,
        t.BUDGET_ACTION,
        t.CLOUDWATCH_COMPOSITE_ALARM,
        t.CLOUDWATCH_METRIC_ALARM,
        t.DNS_RECORD,
        t.GITHUB_ACTIONS_ENVIRONMENT_SECRET,
        t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE,
        t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS,
        t.GITHUB_BRANCH_DEFAULT,
        t.GITHUB_REPOSITORY_ENVIRONMENT,
        t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY,
        t.GITHUB_REPOSITORY_RULESET,
        t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS,
        t.IAM_OPEN_ID_CONNECT_PROVIDER,
        t.IAM_POLICY,
        t.IAM_ROLE,
        t.IAM_ROLE_POLICY,
        t.IAM_ROLE_POLICY_ATTACHMENT,
        t.KMS_KEY_POLICY,
        t.LAMBDA_FUNCTION,
        t.LAMBDA_PERMISSION,
        t.LOGPUSH_JOB,
        t.NOTIFICATION_POLICY,
        t.NOTIFICATION_POLICY_WEBHOOKS,
        t.QUEUE_CONSUMER,
        t.R2_BUCKET_CORS,
        t.R2_CUSTOM_DOMAIN,
        t.R2_MANAGED_DOMAIN,
        t.RULESET,
        t.SCHEDULER_SCHEDULE,
        t.SNS_TOPIC,
        t.SNS_TOPIC_POLICY,
        t.SNS_TOPIC_SUBSCRIPTION,
        t.SQS_QUEUE_POLICY,
        t.SSM_PARAMETER,
        t.WORKERS_CRON_TRIGGER,
        t.WORKERS_CUSTOM_DOMAIN,
        t.WORKERS_DEPLOYMENT,
        t.WORKERS_ROUTE,
        t.WORKERS_SCRIPT_SUBDOMAIN,
        t.ZERO_TRUST_ACCESS_APPLICATION,
        t.ZERO_TRUST_ACCESS_GROUP,
        t.ZERO_TRUST_ACCESS_POLICY,
        t.ZERO_TRUST_ACCESS_SERVICE_TOKEN,
        t.ZONE_SETTING,
        # Looked at elsewhere: `workers`, `expiry`, `locks`, `keys`, `guards`.
        t.KMS_ALIAS,
        t.R2_BUCKET_LIFECYCLE,
        t.R2_BUCKET_LOCK,
        t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK,
        t.S3_BUCKET_LIFECYCLE_CONFIGURATION,
        t.S3_BUCKET_LOGGING,
        t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION,
        t.S3_BUCKET_OWNERSHIP_CONTROLS,
        t.S3_BUCKET_POLICY,
        t.S3_BUCKET_PUBLIC_ACCESS_BLOCK,
        t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
        t.S3_BUCKET_VERSIONING,
        t.WORKER,
        t.WORKER_SCRIPT,
        t.WORKER_VERSION,
        t.WORKERS_SCRIPT,
    }
)
