"""The providers of a stage's identities, with the credentials of the person who brings them up; no pipeline has any."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_github as github

from bulkhead.model.identities import GITHUB_TOKEN, TOKEN_MAKER
from bulkhead.model.naming import Label
from bulkhead.model.settings import StageSettings


def make_providers(
    label: Label, settings: StageSettings, secrets: Mapping[str, pulumi.Output[str]], profile: str
) -> list[pulumi.ProviderResource]:
    """Return the providers, pinned to the stage's accounts. ``profile`` is one of ~/.aws that may write roles: the role
    in the settings cannot, and is made here."""
    return [
        cloudflare.Provider("cloudflare", api_token=secrets[TOKEN_MAKER]),
        aws.Provider(
            "aws",
            region=settings.region.primary,
            allowed_account_ids=[settings.aws.account_id],
            profile=profile,
            default_tags=aws.ProviderDefaultTagsArgs(
                tags=label.tags(owner=settings.owner, cost_center=settings.cost_center)
            ),
        ),
        github.Provider("github", owner=settings.github.owner, token=secrets[GITHUB_TOKEN]),
    ]
