"""What a stage finds in the local clouds before anything is made: its accounts, and the tokens of its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bulkhead.localclouds.api.seed import Tenant
from bulkhead.model.identities import GITHUB_TOKEN, TOKEN_MAKER
from bulkhead.model.product import Product
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.settings.models import StageSettings
from identities.cloudflare import maker_policies

_TOKENS: Final = {"cloudflare": (TOKEN_MAKER, CLOUDFLARE_TOKEN), "github": (GITHUB_TOKEN,)}


def tenant(product: Product, settings: StageSettings, canaries: Mapping[str, str]) -> Tenant:
    """Return a stage's part of the clouds. ``canaries`` are the secrets that a person stored. Where the token that
    deploys the stage is among them, it may do everything: no identities have made it."""
    return Tenant(
        settings.environment,
        settings.cloudflare.account_id,
        zones={settings.cloudflare.zone_id: settings.cloudflare.hostname.partition(".")[2]},
        repository=f"{settings.github.owner}/{settings.github.repository}",
        tokens={
            cloud: {canaries[name]: name for name in names if name in canaries} for cloud, names in _TOKENS.items()
        },
        policies={TOKEN_MAKER: [policy.as_json() for policy in maker_policies(product, settings)]},
    )
