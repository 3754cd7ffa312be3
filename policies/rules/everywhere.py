"""Rules about every resource: whose account it is made in, and what a program may not hide or reach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, document, is_list, listed
from policies.rule import AnyRule, Rule, Seen, Stack, StackRule, Violation
from policies.rules.aws_storage import PUBLIC_ACCESS
from policies.rules.github import may_be
from policies.rules.reviewed import REVIEWED
from policies.world import World

_PROVIDER: Final = "pulumi:providers:"
_TOP: Final = re.compile(r'(?:\[")?([^\].\["]+)')  # of a property path: `a.b`, `a[0]`, `["a"].b`
# Properties whose drift nobody would see again: what guards a resource, and what it may reach.
_GUARDING: Final[Mapping[str, tuple[str, ...]]] = {
    t.IAM_ROLE: ("assumeRolePolicy", "permissionsBoundary", "inlinePolicies", "managedPolicyArns"),
    t.IAM_ROLE_POLICY: ("policy",),
    t.IAM_POLICY: ("policy",),
    t.KMS_KEY: ("policy", "enableKeyRotation", "isEnabled"),
    t.KMS_KEY_POLICY: ("policy",),
    t.KMS_REPLICA_KEY: ("policy", "enabled"),
    t.S3_BUCKET: ("forceDestroy", "objectLockEnabled", "acl", "policy"),
    t.S3_BUCKET_ACL: ("acl", "accessControlPolicy"),
    t.S3_BUCKET_POLICY: ("policy",),
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK: PUBLIC_ACCESS,
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: ("rules",),
    t.S3_BUCKET_VERSIONING: ("versioningConfiguration",),
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION: ("rules",),
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION: ("rule", "objectLockEnabled"),
    t.SNS_TOPIC: ("kmsMasterKeyId", "policy"),
    t.SNS_TOPIC_POLICY: ("policy",),
    t.SQS_QUEUE: ("policy", "kmsMasterKeyId"),
    t.SQS_QUEUE_POLICY: ("policy",),
    t.BUDGET: ("limitAmount", "limitUnit", "timeUnit", "costFilters", "filterExpression", "notifications"),
    t.WORKER: ("subdomain", "tailConsumers", "logpush", "previewsBaseConfig"),
    t.WORKER_VERSION: ("bindings",),
    t.WORKERS_SCRIPT: ("bindings", "tailConsumers"),
    t.WORKERS_CUSTOM_DOMAIN: ("hostname", "service"),
    t.QUEUE_CONSUMER: ("scriptName",),
    t.R2_BUCKET_CORS: ("rules",),
    t.R2_BUCKET_LOCK: ("rules",),
    t.R2_MANAGED_DOMAIN: ("enabled",),
    t.ACCOUNT_TOKEN: ("policies", "condition", "expiresOn"),
    t.API_TOKEN: ("policies", "condition", "expiresOn"),
    t.LOGPUSH_JOB: ("destinationConf", "outputOptions", "enabled"),
    t.RULESET: ("rules",),
    t.ACCESS_APPLICATION: ("policies", "domain", "destinations", "selfHostedDomains"),
    t.ACCESS_POLICY: ("decision", "includes", "requires", "excludes"),
    t.ZERO_TRUST_ACCESS_APPLICATION: ("policies", "domain", "destinations", "selfHostedDomains"),
    t.ZERO_TRUST_ACCESS_GROUP: ("includes", "requires", "excludes"),
    t.ZERO_TRUST_ACCESS_POLICY: ("decision", "includes", "requires", "excludes"),
    t.CLOUDWATCH_COMPOSITE_ALARM: ("alarmActions", "actionsEnabled", "alarmRule", "actionsSuppressor"),
    t.CLOUDWATCH_METRIC_ALARM: ("alarmActions", "actionsEnabled", "threshold", "treatMissingData"),
    t.GITHUB_REPOSITORY_ENVIRONMENT: (
        "reviewers",
        "canAdminsBypass",
        "preventSelfReview",
        "deploymentBranchPolicy",
        "waitTimer",
    ),
    t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: ("branchPattern", "tagPattern"),
    t.IAM_OPEN_ID_CONNECT_PROVIDER: ("clientIdLists", "url"),
    t.IAM_ROLE_POLICY_ATTACHMENT: ("policyArn", "role"),
    t.LAMBDA_PERMISSION: ("principal", "sourceArn", "sourceAccount"),
    t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK: PUBLIC_ACCESS,
    t.S3_BUCKET_OWNERSHIP_CONTROLS: ("rule",),
    t.SNS_TOPIC_SUBSCRIPTION: ("endpoint", "protocol", "topic"),
    t.WORKERS_ROUTE: ("pattern", "script"),
    t.WORKERS_SCRIPT_SUBDOMAIN: ("enabled", "previewsEnabled"),
    t.ZONE_SETTING: ("value",),
    t.GITHUB_REPOSITORY_RULESET: ("rules", "bypassActors", "conditions", "enforcement"),
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: ("allowedActions", "allowedActionsConfig", "shaPinningRequired"),
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: ("defaultWorkflowPermissions", "canApprovePullRequestReviews"),
}


def _default_provider(seen: Seen, world: World) -> Iterator[Violation]:
    name = seen.provider.rpartition("::")[2]
    if name == "default" or name.startswith("default_"):
        yield Violation(
            "is made by a default provider",
            "A default provider takes whatever account and credentials the shell holds, also another stage's",
            "pass one of the stage's providers, or a parent that has it",
        )


def _pinned(seen: Seen, world: World) -> Iterator[Violation]:
    package = seen.type.removeprefix(_PROVIDER)
    settings = world.settings
    if package == "aws":
        accounts, wanted = document(seen.props, "allowedAccountIds"), [settings.aws.account_id]
        if accounts is not UNKNOWN and (not is_list(accounts) or list(accounts) != wanted):
            yield _loose("aws", "is not bound to the stage's account alone", f"allowed_account_ids={wanted}")
    if package == "github" and not may_be(seen["owner"], settings.github.owner):
        owner = f"owner={settings.github.owner!r}"
        yield _loose("github", "is not bound to the owner of the stage's repository", owner)
    credentials = {"cloudflare": "apiToken", "github": "token"}
    as_app = package == "github" and seen["appAuth"] is not MISSING
    if package in credentials and not as_app and seen[credentials[package]] in {MISSING, ""}:
        yield _loose(package, "is handed no credential", f"hand it the stage's own, as {credentials[package]}")


def _loose(package: str, wrong: str, fix: str) -> Violation:
    causes = f"The {package} provider then works with whatever account the environment leads to, also another stage's"
    return Violation(wrong, causes, fix)


def _foreign_stack(stack: Stack, world: World) -> Iterator[Violation]:
    """The engine shows no policy which stack a program reads, only that it reads one: by the provider that does it
    (3.250). So every reference is refused; no part of a stage needs one."""
    for seen in stack.of(f"{_PROVIDER}pulumi"):
        yield Violation(
            "reads the outputs of another stack",
            "What one stage reads from another ties them together: names, ids and accounts of the other get in here",
            "say in this stage's settings what it needs to know",
            seen,
        )


def _ignored(seen: Seen, world: World) -> Iterator[Violation]:
    guarding = _GUARDING.get(seen.type, ())
    tops = {found[1] for path in seen.ignore_changes if (found := _TOP.match(path))}
    for name in sorted(set(guarding) & tops if "*" not in tops else {"*"}):
        yield Violation(
            f"ignores changes of {name}",
            "Somebody who opens it by hand is never noticed and never corrected",
            "remove it from ignore_changes",
        )


def _reviewed(seen: Seen, world: World) -> Iterator[Violation]:
    # What no provider makes is a component: it is in no cloud, and what it consists of is judged by itself.
    ours = seen.type.startswith(("pulumi:", "bulkhead:")) or not seen.provider
    if not ours and seen.type not in REVIEWED:
        twin = _TWINS.get(seen.type)
        yield Violation(
            "is of a type that nobody has reviewed",
            "The rules do not look at all of such a resource, so it may be open to anybody or belong to anybody",
            f"use {twin}" if twin else "add the type to policies/rules/reviewed.py, with the rules that it needs",
        )


# Types that other rules look at because somebody may use them, and what is to be used instead.
_TWINS: Final[Mapping[str, str]] = {
    t.WORKER_SCRIPT: t.WORKER_VERSION,
    t.WORKERS_SCRIPT: t.WORKER_VERSION,
    t.WORKER_DOMAIN: t.WORKERS_CUSTOM_DOMAIN,
    t.ACCESS_APPLICATION: t.ZERO_TRUST_ACCESS_APPLICATION,
    t.ACCESS_POLICY: t.ZERO_TRUST_ACCESS_POLICY,
    t.GITHUB_BRANCH_PROTECTION: t.GITHUB_REPOSITORY_RULESET,
    t.GITHUB_BRANCH_PROTECTION_V3: t.GITHUB_REPOSITORY_RULESET,
    t.API_TOKEN: t.ACCOUNT_TOKEN,
    t.IAM_POLICY_ATTACHMENT: t.IAM_ROLE_POLICY_ATTACHMENT,
    t.PAGES_PROJECT: t.WORKER_VERSION,
    t.S3_BUCKET_ACL: t.S3_BUCKET_POLICY,
}


def _mismatch(stack: Stack, world: World) -> Iterator[Violation]:
    stage, environment = world.stage.value, world.settings.environment
    wanted = {"stage": stage, "environment": environment, "STAGE": stage, "ENVIRONMENT": environment}
    for seen in stack.resources:
        if seen.type.startswith("cloudflare:"):
            yield from _elsewhere(seen, world)
        for key, value in _claims(seen):
            if not isinstance(value, Absent) and key in wanted and value != wanted[key]:
                yield Violation(
                    f"says that its {key} is {value!r}, in a stack that is {wanted[key]!r}",
                    "Costs, alarms and the Worker itself would take it for another stage's",
                    f"take the {key} from the stage's settings",
                    seen,
                )


def _elsewhere(seen: Seen, world: World) -> Iterator[Violation]:
    """Cloudflare's provider is bound to no account: each resource says where it is made, and what it belongs to."""
    own = world.settings.cloudflare
    for path, wanted in (("accountId", own.account_id), ("zoneId", own.zone_id)):
        value = seen[path]
        if isinstance(value, str) and value not in {wanted, ""}:
            yield Violation(
                f"is made in a {path.removesuffix('Id')} that is not the stage's",
                "A token that reaches both changes another stage, or what has nothing to do with any",
                f"take {path} from cloudflare of the stage's settings",
                seen,
            )
    for path in ("scriptName", "bucketName", "workerId"):
        value = seen[path]
        # A Worker may be named by its id, which says nothing; by its name, it begins as all of the product's do.
        named = isinstance(value, str) and (path != "workerId" or value.startswith(f"{world.product.name}-"))
        if named and not str(value).startswith(world.prefix):
            yield Violation(
                f"belongs to {value}, which is not the stage's",
                "It overwrites what another stage runs, keeps or lets expire",
                f"name a Worker or a bucket of the stage: {world.prefix}...",
                seen,
            )


def _claims(seen: Seen) -> Iterator[tuple[str, Any]]:
    """Yield what a resource says of the stage it is in: in tags, in a Worker's tags, in its plain variables."""
    if seen.type == f"{_PROVIDER}aws":
        tags = at(document(seen.props, "defaultTags"), "tags")
        yield from tags.items() if not isinstance(tags, Absent) else ()
    if seen.type.startswith("aws:"):
        tags = seen["tags"]
        yield from tags.items() if not isinstance(tags, Absent) else ()
    if seen.type == t.WORKER:
        for tag in listed(seen.props, "tags"):
            if isinstance(tag, str):
                key, _, value = tag.partition(":")
                yield key, value
    for binding in listed(seen.props, "bindings") if seen.type == t.WORKER_VERSION else ():
        if at(binding, "type") == "plain_text":
            yield str(at(binding, "name")), at(binding, "text")


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "default-provider-used", ("ENV-3",), "Every resource is made by a provider of its stage", (), _default_provider
    ),
    Rule(
        "provider-account-not-pinned",
        ("ENV-3", "SEC-2"),
        "A provider can reach the account of its own stage only",
        (f"{_PROVIDER}aws", f"{_PROVIDER}cloudflare", f"{_PROVIDER}github"),
        _pinned,
    ),
    StackRule("stack-reference-to-another-stage", ("ENV-3",), "No stage knows another", _foreign_stack),
    Rule(
        "ignore-changes-hides-security",
        ("SEC-1",),
        "What guards a resource is set right again at every up",
        tuple(_GUARDING),
        _ignored,
    ),
    Rule("resource-type-not-reviewed", ("SEC-1",), "Only types that the rules know are made", (), _reviewed),
    StackRule("stage-mismatch", ("ENV-1", "CST-7"), "Everything in a stack belongs to its stage", _mismatch),
)
