"""Who may deploy the stage from GitHub, from which refs, and with what (DEP-1, SEC-7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_github as github

from infra.blueprint import Product
from infra.naming import Label, upper_snake
from infra.providers import CLOUDFLARE_TOKEN
from infra.release import Ref, deploys_from
from infra.settings import StageSettings


@dataclass(frozen=True, slots=True)
class GitHubDeliveryArgs:
    """``url`` is where the stage answers, None when the product has no Worker on the stage's own hostname."""

    label: Label
    settings: StageSettings
    product: Product
    secrets: Mapping[str, pulumi.Output[str]]
    url: str | None


class GitHubDelivery(pulumi.ComponentResource):
    """The stage's GitHub environment: the refs that may deploy, the people who approve, its secrets and variables.

    Nobody bypasses the rules, administrators included, and in a team nobody approves their own deployment. The secrets
    are the product's pipeline secrets and the Cloudflare token, which the migration step needs. AWS is reached with
    GitHub's identity token, so no key of AWS is here; the token that manages this environment is not here either,
    because a pipeline that held it could widen its own rights.

    Left out: the role AWS trusts (made by hand or by another project, so that no pipeline widens it). Reviewers and
    wait timers need a public repository or GitHub Enterprise; GitHub refuses them elsewhere, so they are said only
    where the settings ask for them.
    """

    def __init__(self, name: str, args: GitHubDeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:delivery:GitHubDelivery", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.environment = self._environment(name)
        refs = deploys_from(args.settings.release_model, args.label, args.settings.github.default_branch)
        for number, ref in enumerate(refs, start=1):
            self._admit(f"{name}-ref-{number}", ref)
        for secret in sorted({CLOUDFLARE_TOKEN, *args.product.pipeline_secrets}):
            self._secret(name, secret)
        for variable, value in pipeline_variables(args.label, args.settings, args.url).items():
            self._variable(name, variable, value)
        self.register_outputs({"environment": self.environment.environment})

    def _environment(self, name: str) -> github.RepositoryEnvironment:
        ours = self._args.settings.github
        people = ours.reviewers
        return github.RepositoryEnvironment(
            name,
            repository=ours.repository,
            environment=self._args.label.environment,
            can_admins_bypass=False,
            prevent_self_review=self._args.settings.governance.profile == "team",
            wait_timer=ours.wait_minutes or None,
            reviewers=(
                [{"teams": list(people.teams), "users": list(people.users)}] if people.teams or people.users else None
            ),
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

    def _secret(self, name: str, secret: str) -> None:
        github.ActionsEnvironmentSecret(
            f"{name}-{secret}",
            repository=self._args.settings.github.repository,
            environment=self.environment.environment,
            secret_name=upper_snake(secret),
            value=self._args.secrets[secret],
            opts=self._child,
        )

    def _variable(self, name: str, variable: str, value: str) -> None:
        github.ActionsEnvironmentVariable(
            f"{name}-{variable}",
            repository=self._args.settings.github.repository,
            environment=self.environment.environment,
            variable_name=variable,
            value=value,
            opts=self._child,
        )


def pipeline_variables(label: Label, settings: StageSettings, url: str | None) -> dict[str, str]:
    """Return what a workflow of the stage may know in plain text; GitHub refuses empty values."""
    variables = {
        "AWS_ACCOUNT_ID": settings.aws.account_id,
        "AWS_REGION": settings.region.primary,
        "AWS_ROLE_ARN": settings.aws.role_arn or "",
        "CLOUDFLARE_ACCOUNT_ID": settings.cloudflare.account_id,
        "CLOUDFLARE_ZONE_ID": settings.cloudflare.zone_id,
        "ENVIRONMENT": label.environment,
        "STAGE": label.stage.value,
        "STAGE_URL": url or "",
    }
    return {name: value for name, value in variables.items() if value}
