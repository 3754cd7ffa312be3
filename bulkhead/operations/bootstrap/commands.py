"""The commands to type after a bootstrap (pure): first for the identities of the stage, then for the stage itself."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from bulkhead.model.identities import PROFILE
from bulkhead.model.identities import required_secrets as identity_secrets
from bulkhead.model.product import Product
from bulkhead.model.settings.keys import REQUIRED_SECRETS, required_secrets
from bulkhead.model.settings.paths import SECRETS, secret_command
from bulkhead.operations.bootstrap.target import StateStore, Target

_THERE = "-C identities"  # the folder of their project


def next_commands(target: Target, product: Product, profile: str) -> dict[str, list[str]]:
    """Return the commands that come after a bootstrap, in order, by the description of their stack. No credential is
    in them, only the profile's name: each secret is asked for, or comes through a pipe."""
    return {
        target.identities.whose: [
            f"export AWS_PROFILE={quote(profile)}",
            *_identities(target, product, quote(profile)),
        ],
        target.stage.whose: [*_stage(target, product)],
    }


def _identities(target: Target, product: Product, profile: str) -> Iterator[str]:
    stage, region = target.scope.label.environment, target.scope.region
    yield f"export PULUMI_BACKEND_URL={_url(target.identities, region)}"
    yield f"pulumi stack init {stage} {_THERE} --secrets-provider={_key(target.identities, region)}"
    yield f"pulumi config set {PROFILE} {profile} {_THERE} --stack {stage}"
    for name in identity_secrets(product):
        # One that both stacks need is stored in both, and the other does not exist yet: it is asked for again there.
        both = name in required_secrets(product)
        yield (
            f"pulumi config set --secret {SECRETS}:{name} {_THERE} --stack {stage}"
            if both
            else secret_command(name, stage)
        )
    yield f"bulkhead secrets rotate {stage}"
    # -C changes the folder before anything else is looked for: the pack is above it.
    yield f"pulumi up {_THERE} -s {stage} --policy-pack ../policies"


def _stage(target: Target, product: Product) -> Iterator[str]:
    stage, region = target.scope.label.environment, target.scope.region
    yield f"export PULUMI_BACKEND_URL={_url(target.stage, region)}"
    yield f"pulumi stack init {stage} --secrets-provider={_key(target.stage, region)}"
    [token] = REQUIRED_SECRETS
    read_token = f"pulumi stack output deployToken --show-secrets {_THERE} --stack {stage}"
    yield f"PULUMI_BACKEND_URL={_url(target.identities, region)} {read_token} | {secret_command(token, stage)}"
    for name in required_secrets(product):
        if name != token:
            yield secret_command(name, stage)


def _url(store: StateStore, region: str) -> str:
    return f"'s3://{store.bucket}?region={region}'"


def _key(store: StateStore, region: str) -> str:
    return f"'awskms://{store.alias}?region={region}'"
