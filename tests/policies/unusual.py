"""A program that is unusual and right, in the words of the engine: no rule may speak of it in any stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from bulkhead.model.alarms import alarms_of, read_alarms
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.resources import types as t
from infra.product import PRODUCT
from tests.policies.violating import Raw, RawProvider


def unusual(settings: StageSettings) -> Callable[[], None]:
    """Return the program of a stage of the first product, whose governance is ``solo``."""
    label = Label("harbor", Stage(settings.stage), settings.environment)

    def program() -> None:
        kept = settings.protected
        aws = pulumi.ResourceOptions(provider=_aws(label, settings), protect=kept)
        cloudflare = pulumi.ResourceOptions(
            provider=RawProvider("cloudflare", "cloudflare", apiToken=pulumi.Output.secret("x" * 40)), protect=kept
        )
        github = pulumi.ResourceOptions(
            provider=RawProvider("github", "github", owner="harbor-inc", token=pulumi.Output.secret("y" * 40))
        )
        _keys_and_topics(aws, label, settings)
        _roles(aws, label, settings)
        _bucket(aws, label, settings)
        _jobs(aws, label, settings)
        _budget(aws, label, settings)
        _alarm(aws, label, settings)
        _stores(cloudflare, label, settings)
        _access(cloudflare, label, settings)
        _repository(github, settings)

    return program


def _aws(label: Label, settings: StageSettings) -> RawProvider:
    tags = label.tags(owner=settings.owner, cost_center=settings.cost_center)
    return RawProvider(
        "aws",
        "aws",
        region=settings.region.primary,
        allowedAccountIds=json.dumps([settings.aws.account_id]),
        assumeRoles=json.dumps([{"roleArn": settings.aws.role_arn}]),
        defaultTags=json.dumps({"tags": tags}),  # no resource says its tags by itself
    )


def _keys_and_topics(aws: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    """The root statement that every key needs, and a service that may publish for this account only."""
    account = settings.aws.account_id
    root = _allow("kms:*", Principal={"AWS": f"arn:aws:iam::{account}:root"})
    key = Raw(t.KMS_KEY, "key", aws, policy=_document(root), enableKeyRotation=True, deletionWindowInDays=7)
    Raw(t.KMS_ALIAS, "key", aws, name=f"alias/{label.name(Kind.KMS_ALIAS, 'notes')}", targetKeyId=key.id)
    name = label.name(Kind.TOPIC, "notes")
    Raw(t.SNS_TOPIC, "notes", aws, name=name, kmsMasterKeyId=key.id)
    arn = f"arn:aws:sns:{settings.region.primary}:{account}:{name}"
    publish = _allow(
        "sns:Publish",
        arn,
        Principal={"Service": "budgets.amazonaws.com"},
        Condition={"StringEquals": {"aws:SourceAccount": account}},
    )
    Raw(t.SNS_TOPIC_POLICY, "notes", aws, arn=arn, policy=_document(publish))


def _roles(aws: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    """A boundary that allows much and is attached to nobody, actions that know no resource, a Deny of everything."""
    account = settings.aws.account_id
    limit = Raw(
        t.IAM_POLICY,
        "limit",
        aws,
        name=label.name(Kind.BOUNDARY),
        policy=_document(_allow(["s3:*", "cloudwatch:*"]), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}),
    )
    trust = _allow(
        "sts:AssumeRole",
        None,
        Principal={"AWS": f"arn:aws:iam::{account}:root"},
        Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
    )
    name = label.name(Kind.ROLE, "watch")
    boundary = f"arn:aws:iam::{account}:policy/{label.name(Kind.BOUNDARY)}"
    role = Raw(t.IAM_ROLE, "watch", aws, name=name, assumeRolePolicy=_document(trust), permissionsBoundary=boundary)
    rights = _document(
        _allow(["ec2:DescribeRegions", "tag:GetResources"]),
        _allow("cloudwatch:PutMetricData", Condition={"StringEquals": {"cloudwatch:namespace": "harbor"}}),
        _allow("s3:GetObject", f"arn:aws:s3:::{label.name(Kind.VAULT, account)}/*"),
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    )
    Raw(t.IAM_ROLE_POLICY, "watch", pulumi.ResourceOptions.merge(aws, _after(role, limit)), role=name, policy=rights)


def _jobs(aws: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    """The jobs of the list by another hand: schedules that put an event into a queue, which is as good; a function that
    a rule and a bucket of the stage may start, and where it finds its secret."""
    account, region = settings.aws.account_id, settings.region.primary
    function = f"{label.product}-{label.environment}-job"
    started = {"function": function, "action": "lambda:InvokeFunction"}
    nightly = f"arn:aws:events:{region}:{account}:rule/nightly"
    Raw(t.LAMBDA_PERMISSION, "nightly", aws, **started, principal="events.amazonaws.com", sourceArn=nightly)
    uploads = f"arn:aws:s3:::{label.name(Kind.VAULT, account)}"
    Raw(t.LAMBDA_PERMISSION, "uploads", aws, **started, principal="s3.amazonaws.com", sourceArn=uploads)
    queue = f"arn:aws:sqs:{region}:{account}:{label.name(Kind.JOB, 'failed')}"
    for job in jobs_of(settings, read_tasks()):
        starts = f"arn:aws:iam::{account}:role/{label.name(Kind.ROLE, 'watch')}"
        Raw(
            t.SCHEDULER_SCHEDULE,
            job.name,
            aws,
            name=label.name(Kind.JOB, job.name),
            scheduleExpression=job.schedule,
            scheduleExpressionTimezone=settings.timezone,
            flexibleTimeWindow={"mode": "OFF"},
            target={"arn": queue, "roleArn": starts, "deadLetterConfig": {"arn": queue}},
        )
    where = f"{label.product}-{label.environment}-parameter-where"
    Raw(t.SSM_PARAMETER, "where", aws, name=where, type="String", value=f"https://{settings.cloudflare.hostname}/hook")


def _bucket(aws: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    """A bucket of logs with AWS's own key, which is enough for what is no backup."""
    name = label.name(Kind.VAULT_LOG, settings.aws.account_id)
    made = pulumi.ResourceOptions.merge(aws, _after(Raw(t.S3_BUCKET, "log", aws, bucket=name)))
    flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    Raw(t.S3_BUCKET_PUBLIC_ACCESS_BLOCK, "log", made, bucket=name, **dict.fromkeys(flags, True))
    Raw(t.S3_BUCKET_VERSIONING, "log", made, bucket=name, versioningConfiguration={"status": "Enabled"})
    encrypted = {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    Raw(t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION, "log", made, bucket=name, rules=[encrypted])
    Raw(t.S3_BUCKET_OWNERSHIP_CONTROLS, "log", made, bucket=name, rule={"objectOwnership": "BucketOwnerEnforced"})
    everything = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything}
    plain = {**denied, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    Raw(t.S3_BUCKET_POLICY, "log", made, bucket=name, policy=_document(plain))


def _budget(aws: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    """Development is told once, the others as the settings say; two words for the stage's cost are as good as one."""
    told = settings.budget
    audiences: dict[float, tuple[str, ...]] = {100: (*told.finance, *told.tech_lead, *told.stakeholders)}
    if label.stage is not Stage.DEVELOPMENT:
        audiences |= {80: told.finance, 90: (*told.finance, *told.tech_lead)}
    by_tag = {"tags": {"key": "environment", "values": [label.environment], "matchOptions": ["EQUALS"]}}
    by_account = {"dimensions": {"key": "LINKED_ACCOUNT", "values": [settings.aws.account_id]}}
    Raw(
        t.BUDGET,
        "budget",
        aws,
        name=label.name(Kind.BUDGET),
        budgetType="COST",
        timeUnit="MONTHLY",
        limitAmount=f"{told.monthly_usd:.2f}",
        limitUnit="USD",
        filterExpression={"ands": [by_tag, by_account]},
        notifications=[
            {
                "comparisonOperator": "GREATER_THAN",
                "notificationType": "ACTUAL",
                "threshold": threshold,
                "thresholdType": "PERCENTAGE",
                "subscriberEmailAddresses": list(dict.fromkeys(people)),
            }
            for threshold, people in audiences.items()
        ],
    )


def _alarm(aws: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    """Each alarm of the catalogue by its own hand, all heard through one; an expression that the catalogue has not."""
    topic = f"arn:aws:sns:{settings.region.primary}:{settings.aws.account_id}:{label.name(Kind.TOPIC, 'notes')}"
    catalogue = alarms_of(settings, PRODUCT, read_alarms(), read_tasks())
    for alarm in catalogue:
        Raw(
            t.CLOUDWATCH_METRIC_ALARM,
            alarm.name,
            aws,
            name=label.name(Kind.ALARM, alarm.name),
            namespace=alarm.entry.namespace,
            metricName=alarm.entry.metric,
            dimensions=dict(alarm.dimensions),
            statistic=alarm.entry.statistic,
            comparisonOperator=alarm.entry.comparison,
            threshold=alarm.threshold,
            period=alarm.entry.minutes * 60,
            evaluationPeriods=alarm.periods,
            treatMissingData=alarm.entry.missing,
        )
    rule = " OR ".join(f'ALARM("{label.name(Kind.ALARM, alarm.name)}")' for alarm in catalogue) or "FALSE"
    Raw(
        t.CLOUDWATCH_COMPOSITE_ALARM,
        "any",
        aws,
        alarmName=label.name(Kind.ALARM, "any"),
        alarmRule=rule,
        alarmActions=[topic],
    )
    expression = [{"id": "share", "expression": "errors / requests", "returnData": True}]
    Raw(
        t.CLOUDWATCH_METRIC_ALARM,
        "share",
        aws,
        name=label.name(Kind.ALARM, "share"),
        metricQueries=expression,
        comparisonOperator="GreaterThanThreshold",
        evaluationPeriods=1,
        threshold=0.05,
    )


def _stores(cloudflare: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    account = settings.cloudflare.account_id
    mode = {"mode": settings.database.read_replication}
    Raw(t.D1_DATABASE, "main", cloudflare, accountId=account, name=label.name(Kind.D1, "main"), readReplication=mode)
    Raw(t.WORKERS_KV_NAMESPACE, "sessions", cloudflare, accountId=account, title=label.name(Kind.KV, "sessions"))
    bucket = Raw(t.R2_BUCKET, "b", cloudflare, accountId=account, name=label.name(Kind.R2, "transcripts"))
    named = pulumi.ResourceOptions.merge(cloudflare, _after(bucket))
    of_bucket = {"accountId": account, "bucketName": label.name(Kind.R2, "transcripts")}
    Raw(t.R2_MANAGED_DOMAIN, "b", named, **of_bucket, enabled=False)
    own = {"allowed": {"methods": ["GET"], "origins": [f"https://{settings.cloudflare.hostname}"]}}
    Raw(t.R2_BUCKET_CORS, "b", named, **of_bucket, rules=[own])
    zone = settings.cloudflare.zone_id
    Raw(t.DNS_RECORD, "www", cloudflare, zoneId=zone, name=f"www.{settings.cloudflare.hostname}", type="CNAME", ttl=1)


def _access(cloudflare: pulumi.ResourceOptions, label: Label, settings: StageSettings) -> None:
    """A token for the one thing that no role of the product has; Access by a wildcard, machines by a service token."""
    account, zone = settings.cloudflare.account_id, settings.cloudflare.zone_id
    Raw(
        t.ACCOUNT_TOKEN,
        "dns",
        cloudflare,
        accountId=account,
        name=f"{label.product}-{label.environment}-token-dns",
        notBefore="2026-11-21T00:00:00Z",
        expiresOn="2027-02-19T00:00:00Z",
        policies=[
            {
                "effect": "allow",
                "permissionGroups": [{"id": "4755a26eedb94da69e1066d98aa820be"}],
                "resources": json.dumps({f"com.cloudflare.api.account.zone.{zone}": "*"}),
            },
            {
                "effect": "deny",
                "permissionGroups": [{"id": "c8fed203ed3043cba015a93ad1616f1f"}],
                "resources": json.dumps({"com.cloudflare.api.account.zone.*": "*"}),
            },
        ],
    )
    machines = {
        "name": "machines",
        "decision": "non_identity",
        "includes": [{"serviceToken": {"tokenId": "5a5a5a5a-0000-4000-8000-5a5a5a5a5a5a"}}],
    }
    Raw(
        t.ZERO_TRUST_ACCESS_APPLICATION,
        "all",
        cloudflare,
        accountId=account,
        type="self_hosted",
        domain=settings.cloudflare.hostname,
        sessionDuration="8h",
        policies=[machines],
    )


def _repository(github: pulumi.ResourceOptions, settings: StageSettings) -> None:
    """Somebody alone: nobody can approve, only an app makes the tags of releases, and everything else holds."""
    repository = {"repository": settings.github.repository}
    environment = Raw(
        t.GITHUB_REPOSITORY_ENVIRONMENT,
        "own",
        github,
        **repository,
        environment=settings.environment,
        canAdminsBypass=False,
        deploymentBranchPolicy={"protectedBranches": False, "customBranchPolicies": True},
    )
    ref = {"development": "feature/*", "staging": "develop", "production": "main"}[settings.stage]
    admitted = pulumi.ResourceOptions.merge(github, _after(environment))
    Raw(
        t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY,
        "own",
        admitted,
        **repository,
        environment=settings.environment,
        branchPattern=ref,
    )
    if not settings.owns.repository:
        return
    reviewed = {"requiredApprovingReviewCount": 0, "dismissStaleReviewsOnPush": True}
    Raw(
        t.GITHUB_REPOSITORY_RULESET,
        "all",
        github,
        **repository,
        name=f"harbor-{settings.environment}-ruleset-all",
        target="branch",
        enforcement="active",
        conditions={"refName": {"includes": ["~ALL"], "excludes": []}},
        rules={
            "deletion": True,
            "nonFastForward": True,
            "pullRequest": {**reviewed, "requiredReviewThreadResolution": True},
        },
    )
    tags = {"target": "tag", "conditions": {"refName": {"includes": ["refs/tags/v*"], "excludes": []}}}
    releases = {
        **repository,
        **tags,
        "name": f"harbor-{settings.environment}-ruleset-releases",
        "enforcement": "active",
    }
    app = {"actorId": 7, "actorType": "Integration", "bypassMode": "always"}
    Raw(t.GITHUB_REPOSITORY_RULESET, "releases", github, **releases, rules={"creation": True}, bypassActors=[app])
    Raw(
        t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS,
        "own",
        github,
        **repository,
        enabled=True,
        allowedActions="local_only",
        shaPinningRequired=True,
    )


def _allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    said = {"Effect": "Allow", "Action": action, **more}
    return said if resource is None else said | {"Resource": resource}


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=list(resources))
