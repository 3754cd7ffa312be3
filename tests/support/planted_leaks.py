"""One leak of each kind, to be planted in staging: how, and what must be found then."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.planned import Sealed
from bulkhead.resources.values import UNKNOWN
from tests.support.plans import added, changed

Plant = Callable[[StagePlan], StagePlan]
THEIRS, OURS = "3", "2"  # digits of the accounts of production and of staging
ACCOUNT = THEIRS * 12
BUCKET = f"harbor-production-vault-{ACCOUNT}"


def put(type_: str, path: str, value: Any, name: str | None = None) -> Plant:
    return lambda plan: changed(plan, type_, path, value, name=name)


def add(type_: str, **inputs: Any) -> Plant:
    return lambda plan: added(plan, type_, inputs)


def read(type_: str, id_: str) -> Plant:
    return lambda plan: added(plan, type_, {}, id=id_, read=True)


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": "Planted"} | statement]})


def binding(type_: str, **target: str) -> Plant:
    """A binding in a Worker's preview, which no other plant touches; each type has its own name."""

    def plant(plan: StagePlan) -> StagePlan:
        return changed(plan, t.WORKER, f"previewsBaseConfig.env.{type_}", {"type": type_} | target, name="clerk")

    return plant


API = "com.cloudflare.api.account"
THEIR_ACCOUNT = f"{API}.{THEIRS * 32}"
R2 = f"com.cloudflare.edge.r2.bucket.{OURS * 32}_default"
D1, DEPLOY = "<production/D1Database/d1-main>", "roles-deploy"
BINDINGS, HOSTS, CONSUMERS = "Worker bindings", "hostnames and routes", "queue consumers"
ACCOUNTS, PINS, WORDS, LOGS = "accounts and zones", "pins of providers", "tags and variables", "log destinations"
TRUST, RIGHTS, RESOURCES = "trust of roles", "rights of roles", "policies of buckets, keys and topics"
TOKENS, GITHUB, NOTICES, OTHER = "Cloudflare tokens", "GitHub environments", "notices and alarms", "everything else"

# What is planted, and the leak that must be found: kind, resource, path, whose ("" where nobody's is known).
PLANTS: dict[str, tuple[Plant, tuple[str, str, str, str]]] = {
    "a version's binding to a database": (
        put(t.WORKER_VERSION, "bindings.1.databaseId", D1, "booking-version"),
        (BINDINGS, "WorkerVersion booking-version", "bindings[DB].databaseId", "production"),
    ),
    **{
        f"a binding of type {type_}": (
            binding(type_, **{key: value}),
            (BINDINGS, "Worker clerk", f"previewsBaseConfig.env.{type_}.{key}", "production"),
        )
        for type_, key, value in (
            ("kv_namespace", "namespaceId", "<production/WorkersKvNamespace/kv-answers>"),
            ("r2_bucket", "bucketName", "harbor-production-r2-transcripts"),
            ("queue", "queueName", "harbor-production-queue-events"),
            ("service", "service", "harbor-production-worker-web"),
            ("durable_object_namespace", "scriptName", "harbor-production-worker-booking"),
            ("analytics_engine", "dataset", "harbor-production-dataset-visits"),
            ("vectorize", "indexName", "harbor-production-index"),
        )
    },
    "a plain variable": (
        binding("plain_text", text="https://harbor.example/api"),
        (BINDINGS, "Worker clerk", "previewsBaseConfig.env.plain_text.text", "production"),
    ),
    "a name inside JSON": (
        binding("json", json=json.dumps({"deep": [{"bucket": BUCKET}]})),
        (BINDINGS, "Worker clerk", "previewsBaseConfig.env.json.json (JSON).deep[0].bucket", "production"),
    ),
    "a store of nobody": (
        binding("d1", databaseId="0f0e0d0c-0000-4000-8000-000000000000"),
        (BINDINGS, "Worker clerk", "previewsBaseConfig[d1].databaseId", ""),
    ),
    "a script's binding that is not known": (
        add(t.WORKERS_SCRIPT, bindings=[{"type": "d1", "name": "DB", "databaseId": UNKNOWN}]),
        (BINDINGS, "WorkersScript planted", "bindings[DB].databaseId", ""),
    ),
    "a custom domain": (
        put(t.WORKERS_CUSTOM_DOMAIN, "hostname", "harbor.example"),
        (HOSTS, "WorkersCustomDomain web-domain", "hostname", "production"),
    ),
    "a route below the other's apex": (
        add(t.WORKERS_ROUTE, pattern="shop.harbor.example/*", zoneId=f"{OURS}f" * 16),
        (HOSTS, "WorkersRoute planted", "pattern", "production"),
    ),
    "a record of no stage": (
        add(t.DNS_RECORD, name="www.elsewhere.example"),
        (HOSTS, "DnsRecord planted", "name", ""),
    ),
    "a domain's Worker": (
        put(t.WORKERS_CUSTOM_DOMAIN, "service", "harbor-production-worker-web"),
        ("Worker parts", "WorkersCustomDomain web-domain", "service", "production"),
    ),
    "a deployment's version": (
        put(t.WORKERS_DEPLOYMENT, "versions.0.versionId", "<production/WorkerVersion/web-version>"),
        ("Worker parts", "WorkersDeployment assistant-deployment", "versions[0].versionId", "production"),
    ),
    "a consumer's queue": (
        put(t.QUEUE_CONSUMER, "queueId", "<production/Queue/queue-events>"),
        (CONSUMERS, "QueueConsumer events-consumer", "queueId", "production"),
    ),
    "a dead-letter queue": (
        put(t.QUEUE_CONSUMER, "deadLetterQueue", "harbor-production-queue-events-failed"),
        (CONSUMERS, "QueueConsumer events-consumer", "deadLetterQueue", "production"),
    ),
    "a Cloudflare account": (
        put(t.D1_DATABASE, "accountId", THEIRS * 32),
        (ACCOUNTS, "D1Database d1-main", "accountId", "production"),
    ),
    "a zone": (
        put(t.WORKERS_CUSTOM_DOMAIN, "zoneId", f"{THEIRS}f" * 16),
        (ACCOUNTS, "WorkersCustomDomain web-domain", "zoneId", "production"),
    ),
    "an AWS account's pin": (
        put("pulumi:providers:aws", "allowedAccountIds", json.dumps([ACCOUNT])),
        (PINS, "aws provider of bulkhead-identities", "allowedAccountIds (JSON)[0]", "production"),
    ),
    "a provider's role": (
        put("pulumi:providers:aws", "assumeRoles", json.dumps([{"roleArn": f"arn:aws:iam::{ACCOUNT}:role/x"}])),
        (PINS, "aws provider of bulkhead-identities", "assumeRoles (JSON)[0].roleArn", "production"),
    ),
    "a provider's profile": (
        put("pulumi:providers:aws", "profile", "production-admin"),
        (PINS, "aws provider of bulkhead-identities", "profile", ""),
    ),
    "a default provider": (
        lambda plan: added(plan, t.KMS_KEY, {}, provider=""),
        (PINS, "Key planted", "provider", ""),
    ),
    "a provider's secret": (
        put("pulumi:providers:cloudflare", "apiToken", Sealed("<production/secret/cloudflareApiToken>")),
        ("secrets", "cloudflare provider of bulkhead-identities", "apiToken", "production"),
    ),
    "a bucket's neighbour": (
        put(t.R2_MANAGED_DOMAIN, "bucketName", "harbor-production-r2-transcripts"),
        ("buckets", "R2ManagedDomain r2-transcripts-no-public-address", "bucketName", "production"),
    ),
    "a key": (
        put(t.SNS_TOPIC, "kmsMasterKeyId", f"arn:aws:kms:ap-northeast-1:{ACCOUNT}:key/1", "budget-topic"),
        ("keys", "Topic budget-topic", "kmsMasterKeyId", "production"),
    ),
    "an access log": (
        put(t.S3_BUCKET_LOGGING, "targetBucket", f"harbor-production-vault-log-{ACCOUNT}"),
        (LOGS, "BucketLogging vault-logging", "targetBucket", "production"),
    ),
    "a Worker's log destination": (
        put(t.WORKER, "observability.logs.destinations", ["harbor-production-logs"], "web"),
        (LOGS, "Worker web", "observability.logs.destinations[0]", "production"),
    ),
    "a log job's sealed destination": (
        add(t.LOGPUSH_JOB, destinationConf=Sealed(f"s3://{BUCKET}/logs?secret-access-key=hush")),
        (LOGS, "LogpushJob planted", "destinationConf", "production"),
    ),
    "a Worker that gets the logs": (
        put(t.WORKER, "tailConsumers", [{"name": "harbor-production-worker-clerk"}], "assistant"),
        (LOGS, "Worker assistant", "tailConsumers[harbor-production-worker-clerk].name", "production"),
    ),
    "an alarm's topic": (
        add(t.CLOUDWATCH_METRIC_ALARM, name="a", alarmActions=[f"arn:aws:sns:ap-northeast-1:{ACCOUNT}:t"]),
        (NOTICES, "MetricAlarm planted", "alarmActions[0]", "production"),
    ),
    "a tag": (
        put(t.WORKER, "tags", ["stage:production", "environment:production"], "web"),
        (WORDS, "Worker web", "tags.stage", ""),
    ),
    "a cost filter": (
        put(t.BUDGET, "costFilters.0.values", ["user:environment$production"]),
        (OTHER, "Budget budget", "costFilters[TagKeyValue].values[0]", "production"),
    ),
    "base64": (
        put(t.BUDGET, "note", base64.b64encode(b"see harbor-production-vault").decode()),
        (OTHER, "Budget budget", "note (base64)", "production"),
    ),
    "a trusted run": (
        put(
            t.IAM_ROLE,
            "assumeRolePolicy",
            policy({"Condition": {"StringEquals": {"gh:sub": "repo:harbor-inc/harbor:environment:production"}}}),
            DEPLOY,
        ),
        (TRUST, f"Role {DEPLOY}", "assumeRolePolicy.Statement[Planted].Condition.StringEquals.gh:sub", "production"),
    ),
    "a pattern of trusted runs": (
        put(
            t.IAM_ROLE,
            "assumeRolePolicy",
            policy({"Condition": {"StringLike": {"gh:sub": "repo:harbor-inc/harbor:*"}}}),
            "roles-preview",
        ),
        (TRUST, "Role roles-preview", "assumeRolePolicy.Statement[Planted].Condition.gh:sub", "production"),
    ),
    "a trusted account": (
        put(t.IAM_ROLE, "assumeRolePolicy", policy({"Principal": {"AWS": ACCOUNT}}), "roles-rollback"),
        (TRUST, "Role roles-rollback", "assumeRolePolicy.Statement[Planted].Principal.AWS", "production"),
    ),
    "trust without a subject": (
        put(
            t.IAM_ROLE,
            "assumeRolePolicy",
            policy({"Principal": {"Federated": f"arn:aws:iam::{OURS * 12}:oidc-provider/gh"}}),
            "roles-operations",
        ),
        (TRUST, "Role roles-operations", "assumeRolePolicy.Statement[Planted].Principal.Federated", ""),
    ),
    "a right": (
        put(t.IAM_ROLE_POLICY, "policy", policy({"Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*"}), DEPLOY),
        (RIGHTS, f"RolePolicy {DEPLOY}", "policy.Statement[Planted].Resource", "production"),
    ),
    "a right over a pattern": (
        put(
            t.IAM_ROLE_POLICY,
            "policy",
            policy({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::harbor-*"}),
            "roles-preview",
        ),
        (RIGHTS, "RolePolicy roles-preview", "policy.Statement[Planted].Resource", ""),
    ),
    "a right over the other's tag": (
        add(
            t.IAM_ROLE_POLICY,
            role="roles-rollback",
            policy=policy({"Condition": {"StringEquals": {"aws:ResourceTag/environment": "production"}}}),
        ),
        (RIGHTS, "RolePolicy planted", "policy.Statement[Planted].Condition.aws:resourcetag/environment", ""),
    ),
    "everything but": (
        put(
            t.IAM_ROLE_POLICY,
            "policy",
            policy({"Action": "s3:*", "NotResource": "arn:aws:s3:::x"}),
            "roles-operations",
        ),
        (RIGHTS, "RolePolicy roles-operations", "policy.Statement[Planted].NotResource", ""),
    ),
    "a policy of nobody": (
        add(t.IAM_ROLE_POLICY_ATTACHMENT, role="bulkhead-staging", policyArn=f"arn:aws:iam::{OURS * 12}:policy/p"),
        (RIGHTS, "RolePolicyAttachment planted", "policyArn", ""),
    ),
    "a bucket's guest": (
        put(
            t.S3_BUCKET_POLICY, "policy", policy({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}), "vault-policy"
        ),
        (RESOURCES, "BucketPolicy vault-policy", "policy.Statement[Planted].Principal.AWS", "production"),
    ),
    "a key for everybody": (
        put(t.KMS_KEY, "policy", policy({"Principal": "*", "Action": "kms:*", "Resource": "*"}), "vault-key"),
        (RESOURCES, "Key vault-key", "policy.Statement[Planted].Principal.*", ""),
    ),
    "a topic of an account of nobody": (
        put(
            t.SNS_TOPIC_POLICY,
            "policy",
            policy({"Condition": {"StringEquals": {"aws:SourceAccount": "8" * 12}}}),
            "budget-topic-policy",
        ),
        (RESOURCES, "TopicPolicy budget-topic-policy", "policy.Statement[Planted].Condition.aws:sourceaccount", ""),
    ),
    **{
        f"a token for {what}": (
            put(t.ACCOUNT_TOKEN, "policies.0.resources", json.dumps(resources), f"tokens-{role}-a"),
            (TOKENS, f"AccountToken tokens-{role}-a", f"policies[0].resources{path}", whose),
        )
        for what, role, resources, path, whose in (
            ("their account", "deploy", {THEIR_ACCOUNT: "*"}, f" (JSON).{THEIR_ACCOUNT}", "production"),
            ("every account", "rollback", {f"{API}.*": "*"}, f".{API}.*", ""),
            ("a bucket of nobody", "operations", {f"{R2}_theirs": "*"}, f".{R2}_theirs", ""),
        )
    },
    "an environment": (
        put(t.GITHUB_REPOSITORY_ENVIRONMENT, "environment", "production-rollback", "rollback"),
        (GITHUB, "RepositoryEnvironment rollback", "environment", "production"),
    ),
    "a secret's environment": (
        put(t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, "environment", "production", "deploy-cloudflareApiToken"),
        (GITHUB, "ActionsEnvironmentSecret deploy-cloudflareApiToken", "environment", "production"),
    ),
    "another repository": (
        put(t.GITHUB_REPOSITORY_ENVIRONMENT, "repository", "other", "preview"),
        (GITHUB, "RepositoryEnvironment preview", "repository", ""),
    ),
    "a variable's value": (
        put(t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, "value", "https://harbor.example", "deploy-STAGE_URL"),
        (OTHER, "ActionsEnvironmentVariable deploy-STAGE_URL", "value", "production"),
    ),
    "a stack that is read": (
        read("pulumi:pulumi:StackReference", "organization/bulkhead/production"),
        ("look-ups", "StackReference planted", "id", "production"),
    ),
    "a thing that is looked up": (
        read(t.R2_BUCKET, "somebodys-bucket"),
        ("look-ups", "R2Bucket planted", "id", ""),
    ),
    "a type that is new": (
        add("aws:dynamodb/table:Table", name="harbor-staging-table"),
        ("names", "Table planted", "", ""),
    ),
}
