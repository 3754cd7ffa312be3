"""A program that breaks every rule in production, in the words of the engine: types and properties, without any SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi

from bulkhead.resources import types as t

ANYBODY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})


class Raw(pulumi.CustomResource):
    """A resource of any type."""

    def __init__(self, type_: str, name: str, opts: pulumi.ResourceOptions | None = None, /, **props: Any) -> None:
        super().__init__(type_, name, props, opts)


class RawProvider(pulumi.ProviderResource):
    def __init__(self, package: str, name: str, **props: Any) -> None:
        super().__init__(package, name, props)


def violating(secret: str) -> Callable[[], None]:
    """Return the program; ``secret`` stands wherever a secret may."""

    def program() -> None:
        hidden = pulumi.Output.secret(secret)
        aws = pulumi.ResourceOptions(provider=RawProvider("aws", "loose", region="eu-west-1", accessKey=hidden))
        cloudflare = pulumi.ResourceOptions(provider=RawProvider("cloudflare", "cloudflare", apiToken=hidden))
        github = pulumi.ResourceOptions(provider=RawProvider("github", "github", owner="harbor-inc", token=hidden))
        _everywhere(aws)
        _storage(aws)
        _jobs(aws, secret)
        _identities(aws)
        _workers(cloudflare, hidden)
        _stores(cloudflare)
        _access(cloudflare)
        _logs(cloudflare, secret)
        _repository(github, hidden)

    return program


def _everywhere(aws: pulumi.ResourceOptions) -> None:
    Raw(t.QUEUE, "by-default", queueName="harbor-production-queue-default")
    Raw("aws:ec2/instance:Instance", "unreviewed", aws)
    ignoring = pulumi.ResourceOptions(provider=aws.provider, ignore_changes=["policy"])
    topic = "arn:aws:sns:ap-northeast-1:333333333333:harbor-production-topic"
    Raw(t.SNS_TOPIC_POLICY, "open", ignoring, arn=topic, policy=ANYBODY)
    pulumi.StackReference("organization/bulkhead/staging")


def _storage(aws: pulumi.ResourceOptions) -> None:
    tags = {"stage": "staging"}
    Raw(t.S3_BUCKET, "another-stages", aws, bucket="harbor-staging-vault", forceDestroy=True, tags=tags)
    vault = "harbor-production-vault-333333333333"
    Raw(t.S3_BUCKET, "vault", aws, bucket=vault)
    daily = {"id": "daily", "status": "Enabled", "filter": {"prefix": "database/daily/"}, "expiration": {"days": 1}}
    Raw(t.S3_BUCKET_LIFECYCLE_CONFIGURATION, "hasty", aws, bucket=vault, rules=[daily])
    theirs = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "s3:GetObject", "Resource": "*"}
    Raw(t.S3_BUCKET_POLICY, "guest", aws, bucket=vault, policy=json.dumps({"Statement": [theirs]}))
    Raw(t.S3_BUCKET_LOGGING, "elsewhere", aws, bucket=vault, targetBucket="harbor-staging-vault-log-222222222222")
    Raw(t.S3_BUCKET_LOGGING, "echo", aws, bucket=vault, targetBucket=vault)
    Raw(t.KMS_KEY, "still", aws, policy=ANYBODY)
    Raw(t.BUDGET, "quiet", aws, name="harbor-production-budget", budgetType="COST", limitAmount="1", limitUnit="USD")


def _jobs(aws: pulumi.ResourceOptions, secret: str) -> None:
    function = "harbor-production-job"
    Raw(t.LAMBDA_PERMISSION, "anybody", aws, function=function, action="lambda:InvokeFunction", principal="*")
    Raw(t.SSM_PARAMETER, "clear", aws, name="harbor-production-parameter-api-token", type="String", value=secret)
    nightly = {"arn": "arn:aws:scheduler:::aws-sdk:iam:createUser", "roleArn": "arn:aws:iam::333333333333:role/x"}
    Raw(t.SCHEDULER_SCHEDULE, "nightly", aws, name="harbor-production-nightly", target=nightly)
    Raw(t.CLOUDWATCH_LOG_GROUP, "for-ever", aws, name="harbor-production-log-nightly")
    Raw(t.SQS_QUEUE, "bare", aws, name="harbor-production-job-failed", sqsManagedSseEnabled=False)
    topic = "arn:aws:sns:ap-northeast-1:333333333333:harbor-production-topic"
    Raw(t.SNS_TOPIC_SUBSCRIPTION, "clear", aws, topic=topic, protocol="http", endpoint="http://hook.example")


def _identities(aws: pulumi.ResourceOptions) -> None:
    provider = "arn:aws:iam::333333333333:oidc-provider/token.actions.githubusercontent.com"
    loose = {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:harbor-inc/harbor:*"}}
    by_token = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider}}
    by_all = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    trust = json.dumps({"Statement": [by_all, {**by_token, "Condition": loose}]})
    Raw(t.IAM_ROLE, "anybodys", aws, name="harbor-production-role-any", assumeRolePolicy=trust)
    wide = {"Effect": "Allow", "Action": ["iam:*", "iam:PassRole", "iam:PutRolePolicy"], "Resource": "*"}
    Raw(t.IAM_ROLE_POLICY, "wide", aws, role="harbor-production-role-any", policy=json.dumps({"Statement": [wide]}))
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    Raw(t.IAM_ROLE_POLICY_ATTACHMENT, "broad", aws, role="harbor-production-role-any", policyArn=admin)
    Raw(t.IAM_USER, "somebody", aws, name="harbor-production-somebody")


def _workers(cloudflare: pulumi.ResourceOptions, hidden: pulumi.Output[str]) -> None:
    account = "3" * 32
    web = Raw(
        t.WORKER,
        "web",
        cloudflare,
        accountId=account,
        name="harbor-production-worker-web",
        subdomain={"enabled": True, "previewsEnabled": True},
        tailConsumers=[{"name": "harbor-production-worker-clerk"}],
    )
    bindings = [
        {"type": "d1", "name": "DB", "databaseId": "5a5a5a5a-0000-4000-8000-5a5a5a5a5a5a"},
        {
            "type": "durable_object_namespace",
            "name": "L",
            "className": "BookingLedger",
            "scriptName": "harbor-staging-x",
        },
        {"type": "durable_object_namespace", "name": "O", "className": "Nobodys"},
        {"type": "inherit", "name": "BEFORE"},
        {"type": "plain_text", "name": "LOG_LEVEL", "text": "trace"},
        {"type": "plain_text", "name": "LOG_REDACT", "text": "false"},
        {"type": "plain_text", "name": "SESSION_KEY", "text": hidden},
        {"type": "plain_text", "name": "NOVEL", "text": "x" * 5121},
    ]
    upload = {"accountId": account, "workerId": web.id}
    plain = Raw(t.WORKER_VERSION, "web-version", cloudflare, **upload, bindings=bindings)
    room = {"Room": {"type": "durable-object", "storage": "sqlite"}}
    roomy = Raw(t.WORKER_VERSION, "roomy-version", cloudflare, **upload, exports=room)
    script = {"accountId": account, "scriptName": "harbor-production-worker-web"}
    version = {"versionId": "5a5a5a5a-0000-4000-8000-5a5a5a5a5a5a", "percentage": 100}
    Raw(t.WORKERS_DEPLOYMENT, "older", cloudflare, **script, strategy="percentage", versions=[version])
    halves = [{"versionId": each.id, "percentage": 50} for each in (plain, roomy)]
    Raw(t.WORKERS_DEPLOYMENT, "split", cloudflare, **script, strategy="percentage", versions=halves)
    Raw(t.WORKERS_CRON_TRIGGER, "busy", cloudflare, **script, schedules=[{"cron": "* * * * *"}])
    events = Raw(t.QUEUE, "events", cloudflare, accountId=account, queueName="harbor-production-queue-events")
    Raw(t.QUEUE_CONSUMER, "nosy", cloudflare, accountId=account, queueId=events.id, type="worker", scriptName="web")
    domain = {"hostname": "staging.harbor.example", "service": "harbor-production-worker-web"}
    Raw(t.WORKERS_CUSTOM_DOMAIN, "foreign", cloudflare, accountId=account, zoneId="3f" * 16, **domain)
    Raw(
        t.WORKERS_ROUTE,
        "greedy",
        cloudflare,
        zoneId="3f" * 16,
        pattern="*harbor.example/*",
        script="harbor-production-x",
    )


def _stores(cloudflare: pulumi.ResourceOptions) -> None:
    account, bucket = "3" * 32, "harbor-production-r2-transcripts"
    Raw(t.D1_DATABASE, "silent", cloudflare, accountId=account, name="harbor-production-d1-main")
    Raw(t.R2_BUCKET, "evidence", cloudflare, accountId=account, name="corner-production-r2-photos")
    Raw(t.R2_MANAGED_DOMAIN, "public", cloudflare, accountId=account, bucketName=bucket, enabled=True)
    anywhere = {"allowed": {"methods": ["GET"], "origins": ["*"]}}
    Raw(t.R2_BUCKET_CORS, "anywhere", cloudflare, accountId=account, bucketName=bucket, rules=[anywhere])


def _access(cloudflare: pulumi.ResourceOptions) -> None:
    account = "3" * 32
    everything = {
        "effect": "allow",
        "permissionGroups": [{"id": "686d18d5ac6c441c867cbf6771e58a0a"}, {"id": "e6d2666161e84845a636613608cee8d5"}],
        "resources": '{"com.cloudflare.api.account.*": "*"}',
    }
    Raw(t.ACCOUNT_TOKEN, "broad", cloudflare, accountId=account, name="anything", policies=[everything])
    Raw(t.API_TOKEN, "a-persons", cloudflare, name="harbor-production-token", policies=[everything])
    Raw(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, "lasting", cloudflare, accountId=account, name="x", duration="forever")
    Raw(t.ZONE_SETTING, "weak", cloudflare, zoneId="3f" * 16, settingId="ssl", value="flexible")
    everyone: list[dict[str, dict[str, str]]] = [{"everyone": {}}]
    Raw(
        t.ZERO_TRUST_ACCESS_APPLICATION,
        "half",
        cloudflare,
        accountId=account,
        type="self_hosted",
        domain="staging.harbor.example/admin",
    )
    Raw(
        t.ZERO_TRUST_ACCESS_POLICY,
        "none",
        cloudflare,
        accountId=account,
        name="p",
        decision="bypass",
        includes=everyone,
    )


def _logs(cloudflare: pulumi.ResourceOptions, secret: str) -> None:
    zone = "4f" * 16
    Raw(
        t.LOGPUSH_JOB,
        "elsewhere",
        cloudflare,
        accountId="3" * 32,
        dataset="workers_trace_events",
        enabled=False,
        destinationConf=f"s3://harbor-staging-archive/logs?region=eu-west-1&secret-access-key={secret}",
        outputOptions={"fieldNames": ["Event", "Logs", "Exceptions"]},
    )
    Raw(
        t.LOGPUSH_JOB,
        "personal",
        cloudflare,
        zoneId=zone,
        dataset="http_requests",
        enabled=True,
        destinationConf="s3://harbor-production-archive/logs?region=ap-northeast-1",
        outputOptions={"fieldNames": ["ClientIP", "RayID"]},
    )
    Raw(t.RULESET, "foreign", cloudflare, zoneId=zone, name="r", kind="zone", phase="http_request_firewall_custom")


def _repository(github: pulumi.ResourceOptions, hidden: pulumi.Output[str]) -> None:
    Raw(
        t.GITHUB_REPOSITORY_ENVIRONMENT,
        "open",
        github,
        repository="harbor",
        environment="production",
        canAdminsBypass=True,
    )
    Raw(t.GITHUB_ACTIONS_SECRET, "wide", github, repository="harbor", secretName="CLOUDFLARE_API_TOKEN", value=hidden)
    shown = {"repository": "harbor", "environment": "docs", "variableName": "NPM_TOKEN"}
    Raw(t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, "shown", github, **shown, value=hidden)
    Raw(t.GITHUB_BRANCH_DEFAULT, "another", github, repository="harbor", branch="develop")
    Raw(t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, "unpinned", github, repository="harbor", allowedActions="all")
    writing = {"defaultWorkflowPermissions": "write", "canApprovePullRequestReviews": True}
    Raw(t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS, "writing", github, repository="harbor", **writing)
