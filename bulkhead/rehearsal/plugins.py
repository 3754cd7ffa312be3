"""A rehearsal with the real plugins: the program's own providers are led to the local clouds.

The program knows nothing of it. A transform adds the address to the provider resources that the program declares,
which a plugin would otherwise take from its vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pulumi

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


# GitHub's plugin waits a second before each write, or GitHub would slow it down; numbers travel as JSON.
_MORE: Final[Mapping[str, Mapping[str, Any]]] = {"github": {"writeDelayMs": "0"}}
