"""Rules against privilege escalation: rights with which somebody gets more rights, and schedules that give them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bulkhead.model.naming import Stage
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.statements import Statement
from bulkhead.resources.values import listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.iam import BOUNDARY, granted, limits_nothing, named, title

# Passes a role's rights on. An exact name is as good as one of the stage's own.
_HANDED: Final = ("iam:PassRole", "sts:AssumeRole")
# Can be limited by the boundary of the role (Service Authorization Reference, iam:PermissionsBoundary).
_BOUNDED: Final = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
# Cannot be limited so; only the name shows the owner.
_PLACED: Final = (
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
)
# A stage has no users, and no reason to remove a boundary.
_NEVER: Final = (
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateUser",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:PutGroupPolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:PutUserPolicy",
    "iam:UpdateLoginProfile",
)
_REWRITES: Final = frozenset({"iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"})
_OF_STAGE: Final = re.compile(r"arn:[^:*?]+:(?:iam|lambda|sts):[^:]*:(\d{12}):(?:role/|policy/|function:)([^*?]*)(.*)")
# EventBridge Scheduler User Guide, "Using universal targets": what calls a service of AWS in place of a function.
_CALLS_AWS: Final = re.compile(r"arn:[^:]*:scheduler:::aws-sdk:([^:]+):(.+)")
_WHO_MAY_WHAT: Final = ("account", "iam", "identitystore", "organizations", "ssoadmin", "sts")
_EXCEPT: Final = frozenset({"stringnotequals", "stringnotlike", "arnnotequals", "arnnotlike"})


def _escalates(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    roles = stack.of(t.IAM_ROLE)
    boundaries = {arn for role in roles for arn in listed(role.props, "permissionsBoundary") if _is_boundary(arn)}
    # Before the first `up` its ARN is not known, but its name is.
    limits = (policy for role in roles for policy in role.sources("permissionsBoundary", t.IAM_POLICY))
    boundaries |= {_arn(policy, context) for policy in limits}
    for resource, granted_statements in granted(stack, context):
        asked = {value for each in granted_statements for value in (*_boundaries(each), *_demanded(each))}
        for statement in (each for each in granted_statements if each.allows):
            loose = [
                action
                for action in (*_HANDED, *_BOUNDED, *_PLACED, *_NEVER)
                if statement.applies_to(action)
                and not _confined(action, statement, granted_statements, boundaries | asked, context)
            ]
            if loose:
                yield Violation(
                    f"{title(statement)} allows {named(loose)} without keeping to the stage and its boundary",
                    "Whoever gets hold of it gives themselves more rights, up to those of the account's owner",
                    f"name the stage's own ({context.prefix}*), demand iam:PermissionsBoundary where roles are "
                    "written, deny new versions of the boundary, and allow nothing on users and no end of a boundary",
                    resource,
                )


def _confined(
    action: str,
    statement: Statement,
    granted_statements: Sequence[Statement],
    boundaries: set[str],
    context: PolicyContext,
) -> bool:
    denies = [each for each in granted_statements if each.denies and each.applies_to(action)]
    flat = [each for each in denies if not each.conditions]
    resources = statement.resources or (("*",) if statement.not_resources else ())
    if resources and any(all(each.covers(one) for one in resources) for each in flat if each.resources):
        return True
    if action in _NEVER:
        return False
    exact = action in _HANDED
    placed = all(_of_stage(each, context, exact=exact) for each in resources)
    placed = placed or any(
        each.not_resources and all(_of_stage(one, context, exact=exact) for one in each.not_resources) for each in flat
    )
    if action in _REWRITES:
        own = [arn for arn in boundaries if statement.covers(arn)]
        return placed and all(any(each.covers(arn) for each in flat) for arn in own)
    if action in _BOUNDED:
        return placed and (bool(_boundaries(statement)) or any(_only_bounded(each, resources) for each in denies))
    return placed


def _of_stage(resource: str, context: PolicyContext, *, exact: bool) -> bool:
    """Whether a pattern matches only the stage's own roles, policies or functions, by name or by path."""
    if exact and not any(wild in resource for wild in ("*", "?", "${")):
        return True
    found = _OF_STAGE.fullmatch(resource)
    if found is None or found[1] != context.settings.aws.account_id:
        return False
    environment, product = context.settings.environment, context.product.name
    begins = (context.prefix, *([f"{product}-pr-"] if context.stage is Stage.DEVELOPMENT else []))
    parts = found[2].split("/")
    # A name is unique in its account, below any path; a path in the middle may hold anybody's roles.
    called = found[2].startswith(begins) or parts[-1].startswith(begins)
    return called or bool({environment, f"{product}-{environment}"} & set(parts[:-1]))


def _boundaries(statement: Statement) -> tuple[str, ...]:
    """Return the boundaries of which a role must have one; empty if any would do."""
    for key, values in statement.requires():
        if key == BOUNDARY and values and all(_is_boundary(value) for value in values):
            return values
    return ()


def _only_bounded(deny: Statement, resources: Sequence[str]) -> bool:
    """Whether a statement denies roles without a boundary, or with another one."""
    return bool(_demanded(deny)) and all(deny.covers(one) for one in resources)


def _demanded(deny: Statement) -> tuple[str, ...]:
    """Return the boundaries without which a statement denies; empty if it denies something else."""
    tests = [(operator.lower(), test) for operator, test in deny.conditions.items()]
    if not deny.denies or len(tests) != 1:
        return ()
    operator, test = tests[0]
    values = [value for key in test if key.lower() == BOUNDARY for value in listed(test, key)]
    whole = operator in _EXCEPT and len(test) == 1 and all(map(_is_boundary, values))
    return tuple(map(str, values)) if whole else ()


def _arn(policy: ObservedResource, context: PolicyContext) -> str:
    path = policy["path"] if isinstance(policy["path"], str) else "/"
    name = policy["name"] if isinstance(policy["name"], str) else policy.name
    return f"arn:aws:iam::{context.settings.aws.account_id}:policy{path}{name}"


def _is_boundary(arn: object) -> bool:
    return isinstance(arn, str) and ":policy/" in arn and "*" not in arn and not limits_nothing(arn)


def _by_schedule(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    target = resource["target.arn"]
    if isinstance(target, str) and (called := _CALLS_AWS.fullmatch(target)) and called[1].lower() in _WHO_MAY_WHAT:
        yield Violation(
            f"calls {called[1]}:{called[2]} of AWS itself",
            "It gives or takes rights at a time when nobody looks, and no preview shows what it did",
            "change who may do what in the program of the identities, and start a function of the stage here",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "schedule-changes-rights",
        ("SEC-7", "QLT-11"),
        "Who may do what is changed by the program alone",
        (t.SCHEDULER_SCHEDULE,),
        _by_schedule,
    ),
    StackRule(
        "iam-escalation",
        ("QLT-11", "SEC-1"),
        "Nobody widens their own rights",
        _escalates,
    ),
)
