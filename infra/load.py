"""The settings of the stack that is being deployed: the only module that asks the Pulumi SDK for configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi.runtime.config

from bulkhead.model.faults import Refused
from bulkhead.model.product import Product
from bulkhead.model.project import ROOT
from bulkhead.model.settings.check import check, from_engine
from bulkhead.model.settings.defaults import DEFAULT_PRODUCT
from bulkhead.model.settings.files import real_faults
from bulkhead.model.settings.keys import required_secrets
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SECRETS
from bulkhead.model.settings.product_reference import reference_in


@dataclass(frozen=True, slots=True)
class LoadedStage:
    """What a stage is made from: its settings, and its secrets by name (``slackWebhook``), as secret outputs."""

    settings: StageSettings
    secrets: Mapping[str, pulumi.Output[str]]


def product_reference(default: str = DEFAULT_PRODUCT) -> str:
    """Return the product that the stack's configuration names, ``package.module:NAME``; ``default`` where it names
    none. It is asked for before the settings are checked, because what they must hold depends on the product."""
    return reference_in(pulumi.runtime.config.CONFIG.get(), default)


def load(stack: str, product: Product, *, examples: bool = True) -> LoadedStage:
    """Return the settings and secrets of ``stack``. Raises Refused with every fault of its configuration; without
    ``examples`` a value that was shipped as an example is one, and what a pull request's stack has of another stage.

    Works under the CLI's language host and in inline programs that run side by side in threads: both fill the same
    context variable before the program starts. It is read directly because `pulumi.Config` answers for names it is
    asked, and a misspelt key is found only by listing them all. For the same reason the process environment
    (PULUMI_CONFIG_*) is not consulted: a setting that is in no file does not exist.
    """
    config = pulumi.runtime.config.CONFIG.get()
    encrypted = frozenset(key for key in config if pulumi.runtime.is_config_secret(key))
    settings, faults = check(stack, from_engine(config), encrypted, product)
    if settings is not None and not examples:
        faults = (*faults, *real_faults(settings, ROOT))
    if settings is None or faults:
        raise Refused(f"stack {stack} cannot be deployed: its configuration has {len(faults)} fault(s)", faults)
    secrets = pulumi.Config(SECRETS)
    return LoadedStage(settings, {name: secrets.require_secret(name) for name in required_secrets(product)})
