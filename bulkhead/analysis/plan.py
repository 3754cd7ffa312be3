"""From a product and the real settings of a stage to its plan: everything its programs would tell the engine, without
engine, network or cloud. No secret is read: each is a placeholder, and sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import pulumi

from bulkhead.analysis.clouds import answer, placeholder
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.engine.render import render
from bulkhead.engine.rendered import Rendered
from bulkhead.model.identities import LONGEST_LIFE, Slots, Window
from bulkhead.model.identities import required_secrets as identity_secrets
from bulkhead.model.naming import EPHEMERAL_STACK
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings, required_secrets
from identities.stage import IdentityOutputs
from identities.stage import deploy as deploy_identities
from infra.stage import StageOutputs, deploy

_NO_BUNDLE: Final = "bulkhead/analysis/no_bundle.js"
_SOME_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)


Run = Callable[[Product, StageSettings, Mapping[str, pulumi.Output[str]]], object]


@dataclass(frozen=True, slots=True)
class Program:
    """A program that makes a part of a stage, and the project whose stacks it fills. ``secrets`` names those it reads.
    Stacks of pull requests have only what is not ``permanent``."""

    project: str
    run: Run
    secrets: Callable[[Product], Sequence[str]] = required_secrets
    permanent: bool = False


def _deploy_identities(
    product: Product, settings: StageSettings, secrets: Mapping[str, pulumi.Output[str]]
) -> IdentityOutputs:
    """When its tokens end changes with each rotation and says nothing of who may do what: the longest life is taken."""
    window = Window(_SOME_DAY, _SOME_DAY + LONGEST_LIFE)
    profile = placeholder(settings.environment, "profile")
    return deploy_identities(product, settings, Slots("a", {"a": window}), secrets, profile)


def _deploy_stage(product: Product, settings: StageSettings, secrets: Mapping[str, pulumi.Output[str]]) -> StageOutputs:
    outputs = deploy(product, settings, secrets)
    outputs.export()
    return outputs


PROGRAMS: Final = (
    Program("bulkhead", _deploy_stage),
    Program("bulkhead-identities", _deploy_identities, identity_secrets, permanent=True),
)


def plan(product: Product, stage: str, settings: StageSettings) -> StagePlan:
    """Return what the stack ``stage`` would consist of. Raises Refused where a program refuses the settings.

    Whether the Workers are built plays no part: what a Worker does says nothing about what it may touch.
    """
    workers = tuple(replace(worker, bundle=_NO_BUNDLE) for worker in product.workers)
    whole = replace(product, workers=workers)
    parts = [_rendered(program, whole, stage, settings) for program in _programs(stage)]
    return StagePlan(
        product,
        settings,
        tuple(sorted((resource for part in parts for resource in part.resources), key=lambda each: each.urn)),
        {name: value for part in parts for name, value in part.outputs.items()},
    )


def _programs(stage: str) -> Iterator[Program]:
    passing = EPHEMERAL_STACK.fullmatch(stage) is not None
    return (program for program in PROGRAMS if not (program.permanent and passing))


def _rendered(program: Program, product: Product, stage: str, settings: StageSettings) -> Rendered:
    def run() -> None:
        secrets = {
            name: pulumi.Output.secret(placeholder(stage, "secret", name)) for name in sorted(program.secrets(product))
        }
        program.run(product, settings, secrets)

    return render(run, stage, project=program.project, cloud=answer, dry_run=True)
