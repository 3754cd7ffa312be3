"""Writes bulkhead/resources/tokens.py from the SDKs' classes: `python -m tests.support.policy_tokens`."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Final

TOKENS: Final = Path(__file__).resolve().parents[2] / "bulkhead/resources/tokens.py"
# Per module of an SDK: what its constants begin with, and its classes.
_CLASSES: Final = {
    "pulumi_cloudflare": (
        "",
        "AccessApplication AccessPolicy AccountToken ApiToken D1Database DnsRecord LogpushJob NotificationPolicy "
        "NotificationPolicyWebhooks PagesProject Queue QueueConsumer R2Bucket R2BucketCors R2BucketLifecycle "
        "R2BucketLock R2CustomDomain R2ManagedDomain Ruleset SecretsStoreSecret Worker WorkerDomain WorkerScript "
        "WorkerVersion WorkersCronTrigger WorkersCustomDomain WorkersDeployment WorkersKvNamespace WorkersRoute "
        "WorkersScript WorkersScriptSubdomain ZeroTrustAccessApplication ZeroTrustAccessGroup ZeroTrustAccessPolicy "
        "ZeroTrustAccessServiceToken ZoneSetting",
    ),
    "pulumi_aws.budgets": ("", "Budget BudgetAction"),
    "pulumi_aws.cloudwatch": ("CLOUDWATCH_", "CompositeAlarm LogGroup MetricAlarm"),
    "pulumi_aws.iam": (
        "IAM_",
        "AccessKey Group GroupPolicy GroupPolicyAttachment OpenIdConnectProvider Policy PolicyAttachment Role "
        "RolePolicy RolePolicyAttachment User UserLoginProfile UserPolicy UserPolicyAttachment",
    ),
    "pulumi_aws.kms": ("KMS_", "Alias Key KeyPolicy ReplicaKey"),
    "pulumi_aws.lambda_": ("LAMBDA_", "Function Permission"),
    "pulumi_aws.s3": (
        "S3_",
        "AccountPublicAccessBlock Bucket BucketAcl BucketLifecycleConfiguration BucketLogging "
        "BucketObjectLockConfiguration BucketOwnershipControls BucketPolicy BucketPublicAccessBlock "
        "BucketServerSideEncryptionConfiguration BucketVersioning",
    ),
    "pulumi_aws.scheduler": ("SCHEDULER_", "Schedule"),
    "pulumi_aws.sns": ("SNS_", "Topic TopicPolicy TopicSubscription"),
    "pulumi_aws.sqs": ("SQS_", "Queue QueuePolicy"),
    "pulumi_aws.ssm": ("SSM_", "Parameter"),
    "pulumi_github": (
        "GITHUB_",
        "ActionsEnvironmentSecret ActionsEnvironmentVariable ActionsOrganizationSecret ActionsRepositoryPermissions "
        "ActionsSecret ActionsVariable BranchDefault BranchProtection BranchProtectionV3 CodespacesSecret "
        "DependabotSecret Repository RepositoryEnvironment RepositoryEnvironmentDeploymentPolicy RepositoryRuleset "
        "WorkflowRepositoryPermissions",
    ),
}


def render() -> str:
    """Return the text of bulkhead/resources/tokens.py."""
    lines = [
        '"""Tokens of resource types, written by tests/support/policy_tokens.py: importing the SDKs takes seconds."""',
        "",
        "from typing import Final",
    ]
    for module, (prefix, classes) in _CLASSES.items():
        lines += ["", *(f'{_constant(prefix, name)}: Final = "{_token(module, name)}"' for name in classes.split())]
    return "\n".join(lines) + "\n"


def _constant(prefix: str, name: str) -> str:
    return prefix + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _token(module: str, name: str) -> str:
    return str(getattr(importlib.import_module(module), name).pulumi_type)


if __name__ == "__main__":
    TOKENS.write_text(render(), encoding="utf-8")
