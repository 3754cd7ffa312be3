"""A program of everything that the product's own has none of: jobs in AWS, and people that Cloudflare lets in. Each
resource names others by their outputs, as a program should."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare

from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from infra.providers import make_providers

_SCHEDULER = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
_MANAGED = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def deploy_jobs(product: Product, settings: StageSettings, secrets: Mapping[str, pulumi.Output[str]]) -> None:
    """Declare the jobs and the visitors of one stage."""
    providers = make_providers(settings.label(product.name), settings, secrets)
    prefix = f"{product.name}-{settings.environment}"
    _jobs(prefix, pulumi.ResourceOptions(provider=providers.aws))
    _visitors(prefix, settings, pulumi.ResourceOptions(provider=providers.cloudflare))


def _jobs(prefix: str, opts: pulumi.ResourceOptions) -> None:
    key = aws.kms.Key("jobs-key", multi_region=True, opts=opts)
    aws.kms.ReplicaKey("jobs-replica", primary_key_arn=key.arn, region="eu-west-1", opts=opts)
    dead = aws.sqs.Queue("jobs-failed", name=f"{prefix}-jobs-failed", opts=opts)
    queue = aws.sqs.Queue(
        "jobs",
        name=f"{prefix}-jobs",
        kms_master_key_id=key.arn,
        redrive_policy=dead.arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})),
        opts=opts,
    )
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    aws.sqs.QueuePolicy("jobs-policy", queue_url=queue.url, policy=json.dumps({"Statement": [policy]}), opts=opts)
    role = aws.iam.Role(
        "jobs-role",
        name=f"{prefix}-jobs-role",
        assume_role_policy=json.dumps(_SCHEDULER),
        permissions_boundary=_MANAGED,
        managed_policy_arns=[_MANAGED],
        opts=opts,
    )
    aws.iam.RolePolicyAttachment("jobs-managed", role=role.name, policy_arn=_MANAGED, opts=opts)
    function = aws.lambda_.Function(
        "report",
        name=f"{prefix}-report",
        role=role.arn,
        kms_key_arn=key.arn,
        dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=dead.arn),
        opts=opts,
    )
    schedule = aws.scheduler.Schedule(
        "nightly",
        name=f"{prefix}-nightly",
        schedule_expression="rate(1 day)",
        flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
        target=aws.scheduler.ScheduleTargetArgs(
            arn=function.arn,
            role_arn=role.arn,
            dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=dead.arn),
        ),
        opts=opts,
    )
    aws.scheduler.Schedule(
        "hourly",
        name=f"{prefix}-hourly",
        schedule_expression="rate(1 hour)",
        flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
        target=aws.scheduler.ScheduleTargetArgs(
            arn="arn:aws:scheduler:::aws-sdk:sqs:sendMessage", role_arn=role.arn, input="{}"
        ),
        opts=opts,
    )
    aws.lambda_.Permission(
        "report-by-schedule",
        function=function.name,
        action="lambda:InvokeFunction",
        principal="scheduler.amazonaws.com",
        source_arn=schedule.arn,
        opts=opts,
    )
    alarm = aws.cloudwatch.MetricAlarm(
        "report-errors",
        name=f"{prefix}-report-errors",
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=1,
        alarm_actions=[function.arn, "arn:aws:automate:ap-northeast-1:ec2:stop"],
        opts=opts,
    )
    aws.cloudwatch.CompositeAlarm(
        "everything",
        alarm_name=f"{prefix}-everything",
        alarm_rule=alarm.name.apply(lambda name: f"ALARM({name})"),
        actions_suppressor=aws.cloudwatch.CompositeAlarmActionsSuppressorArgs(
            alarm=alarm.name, extension_period=1, wait_period=1
        ),
        opts=opts,
    )
    budget = aws.budgets.Budget(
        "jobs",
        name=f"{prefix}-jobs",
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount="1",
        limit_unit="USD",
        opts=opts,
    )
    aws.budgets.BudgetAction(
        "jobs-stop",
        budget_name=budget.name,
        action_type="APPLY_IAM_POLICY",
        approval_model="AUTOMATIC",
        notification_type="ACTUAL",
        execution_role_arn=role.arn,
        action_threshold=aws.budgets.BudgetActionActionThresholdArgs(
            action_threshold_type="PERCENTAGE", action_threshold_value=100
        ),
        definition=aws.budgets.BudgetActionDefinitionArgs(
            iam_action_definition=aws.budgets.BudgetActionDefinitionIamActionDefinitionArgs(
                policy_arn="arn:aws:iam::aws:policy/AWSDenyAll", roles=[role.name]
            )
        ),
        subscribers=[aws.budgets.BudgetActionSubscriberArgs(address="ops@harbor.example", subscription_type="EMAIL")],
        opts=opts,
    )


def _visitors(prefix: str, settings: StageSettings, opts: pulumi.ResourceOptions) -> None:
    account, apex = settings.cloudflare.account_id, settings.cloudflare.hostname
    hook = cloudflare.NotificationPolicyWebhooks(
        "chat", account_id=account, name=f"{prefix}-chat", url="https://chat.example/hook", opts=opts
    )
    cloudflare.NotificationPolicy(
        "notices",
        account_id=account,
        name=f"{prefix}-notices",
        alert_type="workers_alert",
        mechanisms=cloudflare.NotificationPolicyMechanismsArgs(
            webhooks=[cloudflare.NotificationPolicyMechanismsWebhookArgs(id=hook.id)]
        ),
        opts=opts,
    )
    token = cloudflare.ZeroTrustAccessServiceToken("robot", account_id=account, name=f"{prefix}-robot", opts=opts)
    group = cloudflare.ZeroTrustAccessGroup(
        "staff",
        account_id=account,
        name=f"{prefix}-staff",
        includes=[
            cloudflare.ZeroTrustAccessGroupIncludeArgs(
                email_domain=cloudflare.ZeroTrustAccessGroupIncludeEmailDomainArgs(domain="harbor.example")
            )
        ],
        opts=opts,
    )
    policy = cloudflare.ZeroTrustAccessPolicy(
        "staff",
        account_id=account,
        name=f"{prefix}-staff",
        decision="allow",
        includes=[
            cloudflare.ZeroTrustAccessPolicyIncludeArgs(
                group=cloudflare.ZeroTrustAccessPolicyIncludeGroupArgs(id=group.id)
            ),
            cloudflare.ZeroTrustAccessPolicyIncludeArgs(
                service_token=cloudflare.ZeroTrustAccessPolicyIncludeServiceTokenArgs(token_id=token.id)
            ),
        ],
        opts=opts,
    )
    cloudflare.ZeroTrustAccessApplication(
        "office",
        account_id=account,
        name=f"{prefix}-office",
        type="self_hosted",
        destinations=[cloudflare.ZeroTrustAccessApplicationDestinationArgs(type="public", uri=f"office.{apex}/desk")],
        policies=[cloudflare.ZeroTrustAccessApplicationPolicyArgs(id=policy.id, precedence=1)],
        opts=opts,
    )
