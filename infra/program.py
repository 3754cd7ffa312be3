"""What the Pulumi engine runs: load the stage's settings, deploy the product, export what others may read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from bulkhead.model.faults import Refused
from bulkhead.model.product import Product
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import find_product
from infra.load import load, product_reference
from infra.stage import deploy


def main() -> None:
    """Deploy the stack's product; the entry point of ``pulumi up``, where a run is real: example values are refused."""
    with mistakes_said_plainly():
        run(find_product(product_reference(), file=stack_file(pulumi.get_stack())), examples=False)


def run(product: Product, *, examples: bool = True) -> None:
    """Deploy ``product`` to the selected stack and export its outputs; what an inline program calls.

    Raises pulumi.RunError for a user's mistake.
    """
    with mistakes_said_plainly():
        stage = load(pulumi.get_stack(), product, examples=examples)
        deploy(product, stage.settings, stage.secrets).export()


@contextmanager
def mistakes_said_plainly() -> Iterator[None]:
    """Turn Refused into RunError: both language hosts print its text without a traceback and end with a failure."""
    try:
        yield
    except Refused as refused:
        raise pulumi.RunError(str(refused)) from None
