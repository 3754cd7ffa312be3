"""The configuration of the stack that is being deployed: the only module of this room that asks Pulumi for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime.config

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import PROFILE, SPACE, TOKENS, Slots, read_slots, require_stage, required_secrets
from bulkhead.model.product import Product
from bulkhead.model.settings.keys import DEFAULT_PROVIDERS
from bulkhead.model.settings.paths import ROTATED, SECRETS, SETTINGS


@dataclass(frozen=True, slots=True)
class LoadedIdentities:
    """What the identities of a stage are made from, besides its settings. ``profile`` is of ~/.aws."""

    slots: Slots
    secrets: Mapping[str, pulumi.Output[str]]
    profile: str


def load(stack: str, product: Product) -> LoadedIdentities:
    """Return the configuration of ``stack``. Raises Refused with every fault of it."""
    stage = require_stage(stack)
    config = pulumi.runtime.config.CONFIG.get()
    encrypted = frozenset(key for key in config if pulumi.runtime.is_config_secret(key))
    faults = list(_faults(stage, config, encrypted, product))
    slots = None
    try:
        slots = read_slots(_decoded(config.get(TOKENS)), stage)
    except Refused as refused:
        faults += refused.faults
    if slots is None or faults:
        raise Refused(f"The identities of {stage} cannot be deployed: {len(faults)} fault(s)", faults)
    secrets = pulumi.Config(SECRETS)
    return LoadedIdentities(
        slots, {name: secrets.require_secret(name) for name in required_secrets(product)}, config[PROFILE]
    )


def _faults(stage: str, config: Mapping[str, str], encrypted: frozenset[str], product: Product) -> Iterator[Fault]:
    required = {f"{SECRETS}:{name}" for name in required_secrets(product)}
    known = {TOKENS, PROFILE, f"{SETTINGS}:product", DEFAULT_PROVIDERS, *required}
    for key in sorted(set(config) - known):
        if not key.startswith(("pulumi:", f"{ROTATED}:")):
            message = (
                f"is read by nothing; the stage's own settings are in the other file, here are {SPACE}: and {SECRETS}:"
            )
            yield Fault(key, message, f"pulumi config rm {key} -C identities --stack {stage}")
    for key in sorted(required - set(config)):
        message = "is missing, and the identities cannot be made without it"
        yield Fault(key, message, _secret(key, stage))
    for key in sorted(required & set(config) - encrypted):
        message = "is not encrypted: whoever reads the file or its history has it. Revoke it, then store a new one"
        yield Fault(key, message, _secret(key, stage))
    if not config.get(PROFILE, "").strip():
        message = "is missing: whatever credentials lie around would be used"
        fix = f"pulumi config set {PROFILE} <profile that may write roles> -C identities --stack {stage}"
        yield Fault(PROFILE, message, fix)


def _secret(key: str, stage: str) -> str:
    return f"pulumi config set --secret {key} -C identities --stack {stage}"


def _decoded(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return text
