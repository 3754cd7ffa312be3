"""Describes the running stages for the report: resources, bindings of Workers, and other rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bulkhead.analysis.access import aws, deployment
from bulkhead.analysis.access.matrix import Table
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.localclouds.fidelity import Fidelity, fidelity, treatment_of
from bulkhead.localclouds.providers.store import Record
from bulkhead.rehearsal.evidence import ResourceLine, StageReport
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.resources.planned import PlannedResource

_VERSION = "cloudflare:index/workerVersion:WorkerVersion"
# Where a binding says what it points at; a secret's value is none of them.
_TARGETS = ("databaseId", "namespaceId", "bucketName", "queueName", "service", "scriptName", "className", "dataset")
_NAMES = ("name", "title", "bucket", "queueName", "hostname", "scriptName", "environment", "workerId")


def survey(scene: Scene, seconds: Mapping[str, Mapping[str, float]]) -> tuple[StageReport, ...]:
    """Return one report per stage. ``seconds`` maps an environment to its phases."""
    return tuple(
        StageReport(
            stage.environment,
            stage.settings.stage.value,
            stage.url,
            tuple(ResourceLine(r.type, _name(r), treatment_of(r.type)) for r in scene.records(stage)),
            {worker.name: _bindings(scene, stage, worker.name) for worker in scene.product.workers},
            dict(seconds.get(stage.environment, {})),
            _access(scene, stage),
        )
        for stage in scene.stages.values()
    )


def fidelity_of_all(stages: Iterable[StageReport]) -> tuple[Fidelity, ...]:
    """Return how true the local clouds are to the real ones, for each type that the stages have."""
    made = {line.type for stage in stages for line in stage.resources}
    return tuple(line for line in fidelity() if line.type in made)


def _access(scene: Scene, stage: StandingStage) -> tuple[Table, ...]:
    """Return who may change the stage, from what its clouds hold."""
    held = tuple(
        PlannedResource(r.type, r.urn.rpartition("::")[2], r.urn, r.id, r.inputs, r.outputs)
        for r in scene.records(stage)
    )
    plan = StagePlan(scene.product, stage.settings, held)
    return tuple(look(plan) for look in (deployment.environments, deployment.tokens, aws.trust, aws.rights))


def _bindings(scene: Scene, stage: StandingStage, worker: str) -> tuple[tuple[str, str, str], ...]:
    script = scene.worker_name(stage, worker)
    names = {r.id: r.inputs.get("name") for r in scene.records(stage, "cloudflare:index/worker:Worker")}
    versions = [
        r for r in scene.records(stage, _VERSION) if script in (r.inputs["workerId"], names.get(r.inputs["workerId"]))
    ]
    bound = versions[-1].inputs.get("bindings", []) if versions else []
    return tuple((b["name"], b["type"], next((str(b[key]) for key in _TARGETS if key in b), "")) for b in bound)


def _name(record: Record) -> str:
    return next((str(record.inputs[key]) for key in _NAMES if isinstance(record.inputs.get(key), str)), record.id)
