"""Rules about what IAM policies allow: which actions, on what, and through whose documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.model.naming import Stage
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import Grants
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.statements import Statement, statements
from bulkhead.resources.values import MISSING, document, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.iam_actions import changes_the_account, knows_no_resource, narrowed_by
from policies.rules.whose import names_nothing

_ATTACHMENTS: Final = (
    t.IAM_ROLE_POLICY_ATTACHMENT,
    t.IAM_POLICY_ATTACHMENT,
    t.IAM_USER_POLICY_ATTACHMENT,
    t.IAM_GROUP_POLICY_ATTACHMENT,
)
_DOCUMENTS: Final[Mapping[str, str]] = {
    row: path for row in CATALOGUE.values() for path, grants in row.documents.items() if grants is Grants.RIGHTS
}
BOUNDARY: Final = "iam:permissionsboundary"
_WILD: Final = re.compile(r"[*?/]+")
_SHOWN: Final = 4
_MAKES: Final = re.compile(r"[a-z0-9-]+:(Create|Run|Tag)", re.IGNORECASE)
_TAG: Final = re.compile(r"[a-z0-9]+:(resourcetag|requesttag)/(environment|stage)")
_ALIASES: Final = frozenset({"kms:resourcealiases", "kms:requestalias"})
_MANAGED: Final = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/(?:.*/)?([^/]+)")
NARROW: Final = frozenset(
    {
        "AWSAppSyncPushToCloudWatchLogs",
        "AWSCompromisedKeyQuarantine",
        "AWSCompromisedKeyQuarantineV2",
        "AWSCompromisedKeyQuarantineV3",
        "AWSDenyAll",
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaENIManagementAccess",
        "AWSLambdaVPCAccessExecutionRole",
        "AWSTransferLoggingAccess",
        "AWSXRayDaemonWriteAccess",
        "AWSXrayWriteOnlyAccess",
        "CloudWatchLambdaApplicationSignalsExecutionRolePolicy",
        "CloudWatchLambdaInsightsExecutionRolePolicy",
    }
)
"""AWS's own policies that only deny, or add to logs, metrics, traces and network interfaces: nothing of another stage
can be read or changed with one. A test reads what AWS has published of each."""
_WHOLE_SERVICE: Final = re.compile(r".*Administrator.*|.*PowerUser.*|.*ReadOnlyAccess|.*FullAccess.*|.*ReadWrite.*")


def granted(stack: ObservedStack, context: PolicyContext) -> Iterator[tuple[ObservedResource, tuple[Statement, ...]]]:
    """Yield every document that gives an identity rights, and its resource. A policy that is a permissions boundary
    and attached to nobody gives none, however much it allows: it only limits."""
    for resource in stack.of(*_DOCUMENTS):
        if resource.type != t.IAM_POLICY or not only_bounds(resource, stack):
            yield resource, statements(document(resource.props, _DOCUMENTS[resource.type]))
    for role in stack.of(t.IAM_ROLE):
        for inline in listed(role.props, "inlinePolicies"):
            yield role, statements(document(inline, "policy"))


def only_bounds(policy: ObservedResource, stack: ObservedStack) -> bool:
    """Whether a policy is somebody's permissions boundary and attached to nobody."""
    attached = any(_uses(each, "policyArn", policy) for each in stack.of(*_ATTACHMENTS)) or any(
        _uses(role, "managedPolicyArns", policy) for role in stack.of(t.IAM_ROLE)
    )
    return not attached and (
        any(_uses(each, "permissionsBoundary", policy) for each in stack.of(t.IAM_ROLE, t.IAM_USER))
        or any(_demands(each, policy) for each in stack.of(*_DOCUMENTS))
    )


def _uses(resource: ObservedResource, property_: str, policy: ObservedResource) -> bool:
    from_it = any(source.urn == policy.urn for source in resource.sources(property_))
    return from_it or any(_is(policy, value) for value in listed(resource.props, property_))


def boundaries_of(role: ObservedResource, stack: ObservedStack) -> list[ObservedResource]:
    """Return the policies of the stack that are, or may be, the permissions boundary of a role."""
    return [policy for policy in stack.of(t.IAM_POLICY) if _uses(role, "permissionsBoundary", policy)]


def _demands(resource: ObservedResource, policy: ObservedResource) -> bool:
    """Whether a document demands ``policy`` as the boundary of the roles that it allows to write."""
    path = _DOCUMENTS[resource.type]
    if any(source.urn == policy.urn for source in resource.sources(path)):
        return True
    asked = (test for each in statements(document(resource.props, path)) for test in each.conditions.values())
    return any(
        _is(policy, value) for test in asked for key in test if key.lower() == BOUNDARY for value in listed(test, key)
    )


def _is(policy: ObservedResource, arn: Any) -> bool:
    name, path = policy["name"], policy["path"]
    ending = f":policy{'/' if path is MISSING else path}{name}"
    return isinstance(arn, str) and (arn == policy["arn"] or (isinstance(name, str) and arn.endswith(ending)))


def _actions(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    trusts = [(role, statements(document(role.props, "assumeRolePolicy"))) for role in stack.of(t.IAM_ROLE)]
    for resource, granted_statements in (*granted(stack, context), *trusts):
        for statement in granted_statements:
            wide = [action for action in statement.actions if _is_wide(action)]
            if statement.allows and (wide or statement.not_actions):
                what = named(wide) if wide else f"everything except {named(statement.not_actions)}"
                yield Violation(
                    f"{title(statement)} allows {what}",
                    "Whoever gets hold of it may also delete, open to others and change what it was never meant for",
                    "list the actions that are used, each by its name",
                    resource,
                )


def _is_wide(action: str) -> bool:
    service, _, name = action.partition(":")
    return "*" in service or "?" in service or _WILD.fullmatch(name) is not None


def _resources(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for resource, granted_statements in granted(stack, context):
        for statement in granted_statements:
            anything = statement.not_resources or any(names_nothing(each, context) for each in statement.resources)
            if statement.allows and not context.settings.owns.aws_account:
                yield from _account_wide(resource, statement, context)
            asked = with_resource(statement)
            if not statement.allows or not anything or not (asked or statement.not_actions):
                continue
            if not about_the_stage(statement, asked, context):
                yield Violation(
                    f"{title(statement)} allows {named(asked) or 'almost everything'} on every resource",
                    "It reaches every other stage and product in the account",
                    _narrowing(asked)
                    or f"name the resources, as those that begin with {context.prefix}, or demand the stage's tag "
                    "aws:ResourceTag/environment",
                    resource,
                )


def _account_wide(resource: ObservedResource, statement: Statement, context: PolicyContext) -> Iterator[Violation]:
    changing = [action for action in statement.actions if changes_the_account(action)]
    if changing and not about_the_stage(statement, changing, context):
        yield Violation(
            f"{title(statement)} allows {named(changing)}, which changes the whole account",
            "No resource can be named for it, so it reaches every other stage and product in the account",
            "leave it to the stage whose owns.awsAccount is true",
            resource,
        )


def with_resource(statement: Statement) -> list[str]:
    """Return the actions of a statement that are about a resource, so that a policy can name it."""
    return [action for action in statement.actions if not _has_no_resource(action, statement)]


def _has_no_resource(action: str, statement: Statement) -> bool:
    return is_narrowed(action, statement) if narrowed_by(action) else knows_no_resource(action)


def is_narrowed(action: str, statement: Statement) -> bool:
    """Whether a statement confines an action by the condition that AWS has for it in place of a resource."""
    condition = narrowed_by(action)
    wanted = (values for key, values in statement.requires() if condition and key == condition)
    return any(values and not any(_WILD.fullmatch(value) for value in values) for values in wanted)


def _narrowing(asked: list[str]) -> str:
    """Return the fix if conditions confine all the actions; none if a resource can be named."""
    keys = [narrowed_by(action) for action in asked]
    return f"demand StringEquals of {named(sorted(set(keys)))} with what is the stage's" if keys and all(keys) else ""


def about_the_stage(statement: Statement, asked: list[str], context: PolicyContext) -> bool:
    """Whether the conditions of a statement admit only the stage's resources, by tag or by alias."""
    own = {context.settings.environment, *(["pr-*"] if context.stage is Stage.DEVELOPMENT else [])}
    makes = all(_MAKES.match(action) for action in asked) and not statement.not_actions
    for key, values in statement.requires():
        if key in _ALIASES and values and all(value.startswith(f"alias/{context.prefix}") for value in values):
            return True
        tag = _TAG.fullmatch(key)
        allowed_values = own if tag and tag[2] == "environment" else {context.stage.value}
        if tag and (tag[1] == "resourcetag" or makes) and values and set(values) <= allowed_values:
            return True
    return False


def _managed(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    by_budget = listed(resource.props, "definition", "iamActionDefinition", "policyArn")
    for arn in [*listed(resource.props, "policyArn"), *listed(resource.props, "managedPolicyArns"), *by_budget]:
        if is_broad(arn):
            yield Violation(
                f"attaches AWS's own policy {arn.rpartition('/')[2]}",
                "It is meant for any account, so it reaches what every stage has, and AWS may add to it any day",
                "write a RolePolicy with the actions and resources that are used",
            )


def is_broad(arn: Any) -> bool:
    """Whether this is a policy of AWS itself that reaches what other stages have, as nearly all of them do."""
    managed = _MANAGED.fullmatch(arn) if isinstance(arn, str) else None
    return managed is not None and managed[1] not in NARROW


def limits_nothing(arn: Any) -> bool:
    """Whether this is a policy of AWS itself that allows a whole service or more, so that it is no limit."""
    managed = _MANAGED.fullmatch(arn) if isinstance(arn, str) else None
    return managed is not None and _WHOLE_SERVICE.fullmatch(managed[1]) is not None


def _person(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    what = resource.type.rpartition(":")[2]
    yield Violation(
        f"is of type {what}: somebody gets in with what never expires",
        "A copied key or password works from anywhere until somebody notices, and nobody knows who uses it",
        "let pipelines and people assume a Role: GitHub by its identity token, people by the account's sign-in",
    )


def title(statement: Statement) -> str:
    return f"statement {statement.sid}" if statement.sid else "a statement"


def named(words: list[str] | tuple[str, ...]) -> str:
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "iam-wildcard-action",
        ("QLT-11", "SEC-1"),
        "A policy allows actions by their names",
        _actions,
    ),
    StackRule(
        "iam-wildcard-resource",
        ("QLT-11", "SEC-1"),
        "A policy allows actions on named resources of the stage",
        _resources,
    ),
    Rule(
        "iam-broad-managed-policy",
        ("QLT-11",),
        "Nobody gets a policy of AWS that reaches every stage",
        (*_ATTACHMENTS, t.IAM_ROLE, t.BUDGET_ACTION),
        _managed,
    ),
    Rule(
        "iam-user-or-key",
        ("SEC-1", "SEC-2", "DEP-14"),
        "Nobody has a lasting key or password for AWS",
        (
            t.IAM_USER,
            t.IAM_ACCESS_KEY,
            t.IAM_USER_LOGIN_PROFILE,
            t.IAM_USER_POLICY,
            t.IAM_USER_POLICY_ATTACHMENT,
            t.IAM_GROUP,
            t.IAM_GROUP_POLICY,
            t.IAM_GROUP_POLICY_ATTACHMENT,
        ),
        _person,
    ),
)
