"""The command that starts the local clouds, in a module of its own, because theirs take seconds to import."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def clouds_command(stages: Sequence[str]) -> tuple[str, ...]:
    """Return the command that starts the clouds of ``stages``; the run's directory is its last argument."""
    return (sys.executable, "-m", "bulkhead.localclouds", "--stages", ",".join(stages))
