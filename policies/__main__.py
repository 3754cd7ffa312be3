"""The policy pack: what `pulumi preview --policy-pack policies` starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Pulumi puts this folder first on sys.path, where its modules could hide others of the same name.
    here = Path(__file__).resolve().parent
    sys.path = [str(here.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != here)]

    from bulkhead.model.imports import kept_for_good

    with kept_for_good():
        from policies.pack import serve

    serve(os.environ)
