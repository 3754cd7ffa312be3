"""The files that are written for a stage from its manifest, as the plan foresees them (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bulkhead.analysis.code.wrangler import Target, configurations, render
from bulkhead.analysis.stage_plan import StagePlan


def wrangler_files(plans: Sequence[StagePlan], root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (stage, name, text) of each Worker's wrangler.jsonc. What only a deployment can tell is a placeholder."""
    for plan in plans:
        workers = {worker.name: worker for worker in plan.product.workers}
        target = Target(plan.product, plan.settings, plan.outputs["manifest"])
        folder = root / ".wrangler" / plan.environment
        for path, document in configurations(target, folder, root).items():
            yield plan.environment, path, render(document, workers[path.split("/")[0]], plan.environment)
