"""The identities of one stage: read once, downward. What they may touch is the other stack: infra/stage.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from bulkhead.model.access import KEY_ID, KEY_SECRET
from bulkhead.model.identities import Slots
from bulkhead.model.instants import instant
from bulkhead.model.product import APEX, Product
from bulkhead.model.roles import Role, environment_of
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.tasks import jobs_of, read_tasks
from identities.access import StageAccess, StageAccessArgs
from identities.aws_roles import StageRoles, StageRolesArgs
from identities.environment import RoleEnvironment, RoleEnvironmentArgs
from identities.job_roles import JobRoles, JobRolesArgs
from identities.providers import make_providers
from identities.repository import Repository, RepositoryArgs
from identities.tokens import StageTokens, StageTokensArgs

_VISITING: Final = frozenset({Role.DEPLOY, Role.OPERATIONS, Role.ROLLBACK})
"""Whose runs open the stage to see that it works; a preview runs the code of a pull request that nobody has read."""


@dataclass(frozen=True, slots=True)
class IdentityOutputs:
    """The outputs of the identities. ``deploy_token`` is secret: whoever brings the stage up by hand stores it in the
    stage's configuration. ``access`` is the key of a closed stage, as variables of an environment, empty
    where the stage is public."""

    stage: str
    environments: Mapping[str, str]
    roles: Mapping[str, pulumi.Output[str]]
    tokens: Mapping[str, Any]
    deploy_token: pulumi.Output[str]
    access: Mapping[str, pulumi.Output[str]]


def deploy(
    product: Product,
    settings: StageSettings,
    slots: Slots,
    secrets: Mapping[str, pulumi.Output[str]],
    profile: str,
) -> IdentityOutputs:
    """Declare the roles, tokens and environments of one stage, and the repository's rules where the stage owns them.

    Nothing here is protected: nothing holds data, the same command makes all of it again, and a rotation has to remove
    tokens.
    """
    label = settings.label(product.name)
    apex = next((f"https://{settings.cloudflare.hostname}" for each in product.workers if each.host == APEX), None)
    own = pulumi.ResourceOptions(providers=make_providers(label, settings, secrets, profile))

    jobs = jobs_of(settings, read_tasks())
    roles = StageRoles("roles", StageRolesArgs(label, settings, product, jobs), own)
    tokens = StageTokens("tokens", StageTokensArgs(label, settings, product, jobs, slots), own)
    if jobs:
        JobRoles("jobs", JobRolesArgs(label, settings, jobs, roles.boundary, tokens.values), own)
    hosts = sorted(product.hostnames(settings.cloudflare.hostname).values())
    key = None
    if not settings.access.public:
        key = StageAccess("access", StageAccessArgs(label, settings, slots, hosts), own).key
    for role in Role:
        handed = {CLOUDFLARE_TOKEN: tokens.values[role]} if role in tokens.values else {}
        if role is Role.DEPLOY:
            handed |= {each.name: secrets[each.name] for each in product.secrets if each.pipeline}
        shown = key if role in _VISITING else None
        args = RoleEnvironmentArgs(role, label, settings, roles.arns[role], handed, apex, shown)
        RoleEnvironment(role.value, args, own)
    if settings.owns.repository:
        Repository("repository", RepositoryArgs(label, settings), own)

    return IdentityOutputs(
        label.stage.value,
        {role.value: environment_of(role, label) for role in Role},
        {role.value: arn for role, arn in roles.arns.items()},
        {
            "active": slots.active,
            "ends": {slot: instant(window.ends) for slot, window in slots.windows.items()},
        },
        tokens.values[Role.DEPLOY],
        {KEY_ID: key.id, KEY_SECRET: key.secret} if key else {},
    )
