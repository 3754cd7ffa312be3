"""Who may change the stage itself (pure): tokens of Cloudflare, environments of GitHub, credentials of the programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from bulkhead.analysis.access.matrix import UNKNOWN_YET, Cell, Table, table
from bulkhead.analysis.clouds import nested
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.kind import OWN_STACK
from bulkhead.resources.permissions import GROUPS
from bulkhead.resources.planned import PlannedResource, Sealed
from bulkhead.resources.token_policies import reached
from bulkhead.resources.values import Absent, at, is_list, listed
from policies.rules.tokens import lifetime

_NAMES: Final = {permission.id: permission.name for permission in GROUPS}
_SCOPE: Final = re.compile(
    r"com\.cloudflare\.(?:api\.account\.(?:(?P<what>zone)\.)?|edge\.r2\.(?P<bucket>bucket)\.[^_]+_[^_]+_)(?P<which>.+)"
)
_CREDENTIALS: Final = ("apiToken", "token", "profile")


def tokens(plan: StagePlan) -> Table:
    """Return what each token of Cloudflare may do, and for how long."""
    return table(
        "tokens",
        "What a token of Cloudflare may do",
        ("token", "effect", "permissions", "on", "valid"),
        [row for token in plan.of(t.ACCOUNT_TOKEN, t.API_TOKEN) for row in _token(token)],
        "Permissions for Workers, D1, KV and Queues cannot be limited to a part of an account.",
    )


def environments(plan: StagePlan) -> Table:
    """Return which runs each environment of GitHub admits, who approves them, and what they are handed."""
    return table(
        "environments",
        "Which runs GitHub admits, and what they are handed",
        ("environment", "from", "approved by", "admins", "secrets", "variables"),
        (_environment(plan, environment) for environment in plan.of(t.GITHUB_REPOSITORY_ENVIRONMENT)),
    )


def credentials(plan: StagePlan) -> Table:
    """Return with what each program of the stage gets into its clouds."""
    return table(
        "credentials",
        "With what the stage is deployed",
        ("program", "cloud", "account", "credential"),
        # The stage's reference to its own stack is the engine's: nobody is let in anywhere by it.
        (_provider(each) for each in plan.resources if each.is_provider and each.name != OWN_STACK),
        "What a credential may do beyond this stage's tokens and roles is not in the plan: whoever issues it decides.",
    )


def _token(token: PlannedResource) -> Iterator[tuple[Cell, ...]]:
    name = (str(token.inputs.get("name", token.name)),)
    life = lifetime(at(token.inputs, "notBefore"), at(token.inputs, "expiresOn"))
    valid = f"{life.days} days at most" if life else "for ever" if "expiresOn" not in token.inputs else UNKNOWN_YET
    policies = at(token.inputs, "policies")
    if not is_list(policies):
        yield name, UNKNOWN_YET, "", "", valid
        return
    for policy in policies:
        groups = [at(group, "id") for group in listed(policy, "permissionGroups")]
        keys = reached(at(policy, "resources"))
        on: Cell = UNKNOWN_YET if keys is None else tuple(sorted(_scope(*each) for each in keys))
        effect = "never" if at(policy, "effect") == "deny" else "may"
        yield name, effect, tuple(sorted(_permission(group) for group in groups)), on, valid


def _permission(id_: Any) -> str:
    return UNKNOWN_YET if isinstance(id_, Absent) else _NAMES.get(id_, f"{id_} (its name is not known here)")


def _scope(key: str, account: str) -> str:
    said = _SCOPE.fullmatch(key)
    what = f"{said['what'] or said['bucket'] or 'account'} {said['which']}" if said else key
    return f"{what} of account {account}" if account else what


def _environment(plan: StagePlan, environment: PlannedResource) -> tuple[Cell, ...]:
    name = environment.inputs.get("environment")

    def of(type_: str, property_: str) -> tuple[str, ...]:
        mine = [each for each in plan.of(type_) if each.inputs.get("environment") == name]
        return tuple(sorted(str(each.inputs[property_]) for each in mine if each.inputs.get(property_)))

    policy = t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY
    refs = (
        *(f"branch {pattern}" for pattern in of(policy, "branchPattern")),
        *(f"tag {pattern}" for pattern in of(policy, "tagPattern")),
    )
    return (
        (str(name),),
        refs or "every branch and tag",
        _approval(environment),
        "may not skip this" if environment.inputs.get("canAdminsBypass") is False else "may skip this",
        of(t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, "secretName"),
        of(t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, "variableName"),
    )


def _approval(environment: PlannedResource) -> str:
    people = [
        f"{word} {person:.0f}"
        for reviewers in listed(environment.inputs, "reviewers")
        for word in ("team", "user")
        for person in listed(reviewers, f"{word}s")
    ]
    said = ", ".join(people) or "nobody"
    if people and environment.inputs.get("preventSelfReview"):
        said += ", never for a run of their own"
    wait = environment.inputs.get("waitTimer")
    return f"{said}; waits {wait:.0f} minutes" if isinstance(wait, int | float) and wait else said


def _provider(provider: PlannedResource) -> tuple[Cell, ...]:
    cloud = provider.type.rpartition(":")[2]
    account = {
        "aws": ", ".join(str(each) for each in nested(provider.inputs, "allowedAccountIds") or ["not pinned"]),
        "github": str(provider.inputs.get("owner", "not pinned")),
    }.get(cloud, "that of the token")
    found = [_credential(provider.inputs[name]) for name in _CREDENTIALS if name in provider.inputs]
    found += [f"role {at(role, 'roleArn')}" for role in nested(provider.inputs, "assumeRoles") or []]
    return (provider.project,), cloud, (account,), tuple(found) or "whatever the environment holds"


def _credential(value: Any) -> str:
    """Return whose credential it is. Only placeholders are named: anything else might be a secret."""
    content = value.content if isinstance(value, Sealed) else value
    known = isinstance(content, str) and content.startswith("<") and content.endswith(">")
    if isinstance(value, Sealed):
        return f"secret {content.strip('<>').rpartition('/')[2]}" if known else "a secret of the program's own"
    return "a profile of whoever deploys" if known else f"profile {content}"
