"""What the Pulumi engine runs for the identities: load, deploy, export."""

from __future__ import annotations

import pulumi
import pulumi.runtime.config

from bulkhead.model.faults import Refused
from bulkhead.model.identities import require_stage
from bulkhead.model.product import Product
from bulkhead.model.project import ROOT
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import find_product
from bulkhead.model.settings.required_checks import check_faults
from identities.load import load
from identities.stage import deploy
from infra.load import product_reference
from infra.program import mistakes_said_plainly


def main() -> None:
    """Deploy the identities of the selected stage, whose settings are those of the stage itself; the entry point of
    ``pulumi up -C identities``, where a run is real: example values are refused."""
    with mistakes_said_plainly():
        file = stack_file(require_stage(pulumi.get_stack()))
        settings = read_settings(ROOT / file, examples=False)
        if blocking := list(check_faults(settings, ROOT)):
            raise Refused("The rules of the repository would let nothing be merged.", blocking)
        run(find_product(product_reference(settings.product), file=file), settings)


def run(product: Product, settings: StageSettings) -> None:
    """Deploy the identities of a stage of ``product``; what an inline program calls. Raises pulumi.RunError for a
    person's mistake."""
    with mistakes_said_plainly():
        loaded = load(pulumi.get_stack(), product)
        outputs = deploy(product, settings, loaded.slots, loaded.secrets, loaded.profile)
    pulumi.export("stage", outputs.stage)
    pulumi.export("environments", outputs.environments)
    pulumi.export("roles", outputs.roles)
    pulumi.export("tokens", outputs.tokens)
    pulumi.export("deployToken", outputs.deploy_token)
    pulumi.export("access", outputs.access)
