"""Runs one `bulkhead` command once what it needs is imported, and prints the seconds it took as JSON.

python -m benchmarks.command isolation check
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from contextlib import redirect_stdout
from typing import Final

from bulkhead.cli.main import main

# What each command imports when it is called. A module missing here is counted to the command.
IMPORTS: Final = {
    "isolation check": (
        "bulkhead.cli.isolation",
        "bulkhead.analysis.plan",
        "bulkhead.analysis.generated",
        "bulkhead.analysis.isolation.check",
    ),
    "bindings check": ("bulkhead.cli.bindings", "infra.product"),
}

if __name__ == "__main__":
    for module in IMPORTS[" ".join(sys.argv[1:3])]:
        importlib.import_module(module)
    started = time.monotonic()
    with redirect_stdout(sys.stderr):
        code = main(sys.argv[1:])
    seconds = time.monotonic() - started
    if code == 0:
        print(json.dumps({"seconds": seconds}))
    sys.exit(code)
