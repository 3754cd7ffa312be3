"""The GitHub environment of one role: the refs that may use it, who approves, and its secrets and variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_github as github

from bulkhead.model.access import KEY_ID, KEY_SECRET
from bulkhead.model.naming import Label, Stage, upper_snake
from bulkhead.model.release import Ref
from bulkhead.model.roles import Role, environment_of, is_reviewed, refs_of
from bulkhead.model.settings import StageSettings
from identities.access import AccessKey


@dataclass(frozen=True, slots=True)
class RoleEnvironmentArgs:
    """``secrets`` by the product's own names; ``url`` is where the stage answers, None when the product has no Worker
    on the stage's own hostname. ``key`` opens a closed stage, None for who is not to open it."""

    role: Role
    label: Label
    settings: StageSettings
    role_arn: pulumi.Output[str]
    secrets: Mapping[str, pulumi.Output[str]]
    url: str | None
    key: AccessKey | None


class RoleEnvironment(pulumi.ComponentResource):
    """One GitHub environment: the refs whose runs it admits, the people who approve, its secrets and variables (DEP-1,
    SEC-7).

    Nobody bypasses the rules, administrators included, and where a team is asked nobody approves their own deployment:
    where nobody is asked GitHub refuses to be told so (github-community-projects/safe-settings#628). AWS is
    reached with GitHub's identity token, so no key of AWS is here; the token that manages this environment is not here
    either, because a pipeline that held it could widen its own rights.

    Left out: reviewers and wait timers where the settings ask for none. They need a public repository or GitHub
    Enterprise; GitHub refuses them elsewhere.
    """

    def __init__(self, name: str, args: RoleEnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:identities:RoleEnvironment", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.environment = self._environment(name)
        for number, ref in enumerate(refs_of(args.role, args.label, args.settings), start=1):
            self._admit(f"{name}-ref-{number}", ref)
        for secret, value in sorted(args.secrets.items()):
            self._secret(f"{name}-{secret}", upper_snake(secret), value)
        for variable, text in variables(args.role, args.settings, args.url).items():
            self._variable(name, variable, text)
        self._variable(name, "AWS_ROLE_ARN", args.role_arn)
        if args.key is not None:
            self._variable(name, KEY_ID, args.key.id)
            self._secret(f"{name}-{KEY_SECRET}", KEY_SECRET, args.key.secret)
        self.register_outputs({"environment": self.environment.environment})

    def _environment(self, name: str) -> github.RepositoryEnvironment:
        role, label, settings = self._args.role, self._args.label, self._args.settings
        ours, people = settings.github, settings.github.reviewers
        asked = is_reviewed(role, label) and bool(people.teams or people.users)
        return github.RepositoryEnvironment(
            name,
            repository=ours.repository,
            environment=environment_of(role, label),
            can_admins_bypass=False,
            prevent_self_review=asked and settings.governance.profile == "team",
            wait_timer=(ours.wait_minutes or None) if role is Role.DEPLOY else None,
            reviewers=[{"teams": list(people.teams), "users": list(people.users)}] if asked else None,
            deployment_branch_policy={"protected_branches": False, "custom_branch_policies": True},
            opts=self._child,
        )

    def _admit(self, name: str, ref: Ref) -> None:
        github.RepositoryEnvironmentDeploymentPolicy(
            name,
            repository=self._args.settings.github.repository,
            environment=self.environment.environment,
            branch_pattern=ref.pattern if ref.kind == "branch" else None,
            tag_pattern=ref.pattern if ref.kind == "tag" else None,
            opts=self._child,
        )

    def _secret(self, name: str, secret: str, value: pulumi.Output[str]) -> None:
        github.ActionsEnvironmentSecret(
            name,
            repository=self._args.settings.github.repository,
            environment=self.environment.environment,
            secret_name=secret,
            value=value,
            opts=self._child,
        )

    def _variable(self, name: str, variable: str, value: pulumi.Input[str]) -> None:
        github.ActionsEnvironmentVariable(
            f"{name}-{variable}",
            repository=self._args.settings.github.repository,
            environment=self.environment.environment,
            variable_name=variable,
            value=value,
            opts=self._child,
        )


def variables(role: Role, settings: StageSettings, url: str | None) -> dict[str, str]:
    """Return the plain variables for the runs of a role; a preview reaches neither Cloudflare nor the stage."""
    values = {
        "AWS_ACCOUNT_ID": settings.aws.account_id,
        "AWS_REGION": settings.region.primary,
        "STAGE": settings.stage.value,
    }
    if role is Role.PREVIEW:
        return values
    values |= {
        "CLOUDFLARE_ACCOUNT_ID": settings.cloudflare.account_id,
        "CLOUDFLARE_ZONE_ID": settings.cloudflare.zone_id,
    }
    # End-to-end tests, which are the product's own, know staging by this name (QLT-8).
    names = ("STAGE_URL", "STAGING_URL") if settings.stage is Stage.STAGING else ("STAGE_URL",)
    return values | (dict.fromkeys(names, url) if url else {})
