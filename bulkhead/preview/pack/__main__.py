"""The policy pack of a preview on a twin: this checkout's rules, with the product of the checkout that is previewed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Pulumi puts this folder first on sys.path, where its module `product` could be imported by a wrong name.
    here = Path(__file__).resolve().parent
    sys.path = [str(here.parents[2]), *(entry for entry in sys.path if Path(entry or ".").resolve() != here)]

    from bulkhead.preview.proposed import judged_by
    from policies.pack import serve

    serve(judged_by(os.environ))
