"""A rehearsal with the real plugins: the program's own providers are led to the local clouds.

The program knows nothing of it. A transform adds the address to the provider resources that the program declares,
which a plugin would otherwise take from its vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pulumi

from bulkhead.model.product import Product
from bulkhead.resources.kind import PROVIDER

REAL: Final = ("cloudflare", "github")
"""The packages that a rehearsal can leave to their real plugins. AWS's would put the account into host names."""


def led_to(clouds: Mapping[str, str], program: Callable[[], None]) -> Callable[[], None]:
    """Return the program with its providers led to ``clouds``: the base URL of a package's API, by package."""
    inputs = {f"{PROVIDER}{package}": {"baseUrl": url, **_MORE.get(package, {})} for package, url in clouds.items()}

    def led() -> None:
        def transform(resource: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
            added = inputs.get(resource.type_)
            if added is None:
                return None
            return pulumi.ResourceTransformResult(props={**resource.props, **added}, opts=resource.opts)

        pulumi.runtime.register_resource_transform(transform)
        program()

    return led


def put_bundles(product: Product, root: Path, folder: Path) -> None:
    """Let a plugin find the Workers' code: it looks from the project's folder, which a rehearsal has a copy of."""
    for path in {worker.bundle for worker in product.workers}:
        link = folder / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(root / path)


# GitHub's plugin waits a second before each write, or GitHub would slow it down; numbers travel as JSON.
_MORE: Final[Mapping[str, Mapping[str, Any]]] = {"github": {"writeDelayMs": "0"}}
