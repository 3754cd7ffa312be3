"""The two providers of a stage, each with its credential handed over explicitly.

Left out on purpose: default providers. Cloudflare's silently takes a token from the environment, which makes a stage
depend on who runs it; Pulumi.yaml switches them off. And GitHub's: whoever deploys a stage may not change who deploys
it (see identities/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare

from bulkhead.model.naming import Label
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers every resource of a stage is made with."""

    cloudflare: cloudflare.Provider
    aws: aws.Provider


def make_providers(label: Label, settings: StageSettings, secrets: Mapping[str, pulumi.Output[str]]) -> Providers:
    """Return the providers of one stage, pinned to its accounts."""
    return Providers(
        cloudflare=cloudflare.Provider("cloudflare", api_token=secrets[CLOUDFLARE_TOKEN]),
        aws=_aws(label, settings),
    )


def _aws(label: Label, settings: StageSettings) -> aws.Provider:
    """Settings hold either a role to assume or a profile; either way the account is pinned, so credentials of
    another account fail before anything is touched."""
    role, session = settings.aws.role_arn, f"bulkhead-{label.environment}"
    return aws.Provider(
        "aws",
        region=settings.region.primary,
        allowed_account_ids=[settings.aws.account_id],
        # Typed, not dicts: a provider's nested settings travel as JSON, and the SDK translates no dict's keys there.
        assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=role, session_name=session)] if role else None,
        profile=settings.aws.profile,
        default_tags=aws.ProviderDefaultTagsArgs(
            tags=label.tags(owner=settings.owner, cost_center=settings.cost_center)
        ),
    )
