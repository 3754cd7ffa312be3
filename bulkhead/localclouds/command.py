"""The command that starts the local clouds, in a module of its own, because theirs take seconds to import."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def clouds_command(stages: Sequence[str], analytics_delay: float | None = None) -> tuple[str, ...]:
    """Return the command that starts the clouds of ``stages``; the run's directory is its last argument. Analytics are
    ``analytics_delay`` seconds late, as late as Cloudflare's where none is given."""
    late = () if analytics_delay is None else ("--analytics-delay", str(analytics_delay))
    return (sys.executable, "-m", "bulkhead.localclouds", "--stages", ",".join(stages), *late)
