"""`bulkhead` with a binding that somebody plants beside the product: the program gives it to a Worker at the last
moment, and the product knows nothing of it. Started as `python -m tests.support.planted_binding`."""

from __future__ import annotations

import sys
from typing import Any, Final

import pulumi

import infra.program
from bulkhead.cli.main import main
from bulkhead.model.product import Product

PLANTED: Final = "PLANTED"
WORKER, NAMESPACE = "web", "answers"  # a namespace that another Worker of the stage is granted
_run = infra.program.run


def run_planted(product: Product, *, examples: bool = True) -> None:
    """Deploy a stage of ``product`` in which WORKER can reach NAMESPACE."""
    namespaces: list[pulumi.Resource] = []

    def plant(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_.endswith(":WorkersKvNamespace") and args.name.endswith(NAMESPACE):
            namespaces.append(args.resource)
        if not (args.type_.endswith(":WorkerVersion") and f"{WORKER}-version" in args.name):
            return None
        (namespace,) = namespaces
        binding = {"type": "kv_namespace", "name": PLANTED, "namespace_id": namespace.id}  # type: ignore[attr-defined]
        granted: Any = args.props["bindings"]
        props = {**args.props, "bindings": [*granted, binding]}
        return pulumi.ResourceTransformationResult(props, args.opts)

    pulumi.runtime.register_stack_transformation(plant)
    _run(product, examples=examples)


if __name__ == "__main__":
    infra.program.run = run_planted
    sys.exit(main())
