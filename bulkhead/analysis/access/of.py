"""From a plan to its access matrix (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from bulkhead.analysis.access import aws, deployment, workers
from bulkhead.analysis.access.matrix import Matrix
from bulkhead.analysis.isolation.shared import shared
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.settings import StageSettings


def access_of(plan: StagePlan, stages: Sequence[StageSettings] = ()) -> Matrix:
    """Return who may do what in the stage of ``plan``. ``stages`` are the settings of all stages, its own among them:
    what it shares with them is a risk that remains."""
    risks = tuple(risk for risk in shared(stages) if plan.environment in risk.stages)
    tables = (
        workers.entrances(plan),
        workers.bindings(plan),
        aws.trust(plan),
        aws.rights(plan),
        aws.resources(plan),
        deployment.tokens(plan),
        deployment.environments(plan),
        deployment.credentials(plan),
    )
    return Matrix(plan.environment, plan.product.name, tables, risks)
