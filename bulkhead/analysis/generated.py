"""The files that are written for a stage from its manifest, as the plan foresees them (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bulkhead.analysis.code.wrangler import Target, configurations, texts
from bulkhead.analysis.stage_plan import StagePlan


def wrangler_files(plans: Sequence[StagePlan], root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (stage, name, text) of each Worker's wrangler.jsonc. What only a deployment can tell is a placeholder."""
    for plan in plans:
        target = Target(plan.product, plan.settings, plan.outputs["manifest"])
        documents = configurations(target, root / ".wrangler" / plan.environment, root)
        yield from ((plan.environment, path, text) for path, text in texts(documents, target).items())
