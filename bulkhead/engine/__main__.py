"""`python -m bulkhead.engine`: get the Pulumi engine where there is none.

It needs no package, so `make` runs it while the packages are being fetched: both take minutes.
"""

from __future__ import annotations

import signal
import sys
from typing import Final

from bulkhead.engine.finder import find_engine
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused

_WAYS: Final = {
    "path": "the one on PATH",
    "cache": "kept from before",
    "archive": "from the official archive",
    "built": "built with Go",
}


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C does, it ends Go's compilers too
    try:
        engine = find_engine(_say)
    except (Refused, Failed) as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    _say(f"Pulumi engine {engine.version}, {_WAYS[engine.origin]}: {engine.path}")
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
