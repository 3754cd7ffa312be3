"""`bulkhead` where the role that deploys lacks one permission, as `python -m tests.support.missing_right`."""

from __future__ import annotations

import sys
from typing import Final

from bulkhead.cli.main import main
from bulkhead.model.product import Product
from bulkhead.model.roles import Holder
from bulkhead.resources.permissions import KV_WRITE
from identities import cloudflare

MISSING: Final = KV_WRITE
_needs = cloudflare.needs


def needs(holder: Holder, product: Product) -> tuple[cloudflare.Need, ...]:
    """Return what the holder of a token needs, but for one."""
    return tuple(need for need in _needs(holder, product) if need.permission != MISSING)


if __name__ == "__main__":
    cloudflare.needs = needs
    sys.exit(main())
