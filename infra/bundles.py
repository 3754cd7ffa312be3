"""The built Workers on disk: what is about to be uploaded, identified by content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.blueprint import Product, missing_bundles
from infra.faults import Fault, Refused

ROOT: Final = Path(__file__).resolve().parent.parent
_RELEASE_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Bundle:
    """One built ES module. ``path`` is relative to the repository root, so that it is the same on every machine."""

    path: str
    sha256: str

    @property
    def release(self) -> str:
        """The short name of this code that a Worker logs with everything it says (MON-8)."""
        return self.sha256[:_RELEASE_LENGTH]


def read_bundles(product: Product, root: Path = ROOT) -> Mapping[str, Bundle]:
    """Return the bundle of each Worker by the Worker's name. Raises Refused when one has not been built."""
    missing = missing_bundles(product, root)
    if missing:
        raise Refused(
            "The Workers have not been built, so there is nothing to deploy.",
            [Fault(path, "this bundle does not exist", fix="make install") for path in missing],
        )
    return {
        worker.name: Bundle(worker.bundle, hashlib.sha256((root / worker.bundle).read_bytes()).hexdigest())
        for worker in product.workers
    }
