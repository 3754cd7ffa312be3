"""What the rules judge against: the product and the stage's settings, read anew and not from the program (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkhead.model.alarms import CATALOGUE, Alarm, read_alarms
from bulkhead.model.bindings import Secret
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind, Label, Stage, stage_of, upper_snake
from bulkhead.model.product import Product, Worker
from bulkhead.model.project import ROOT
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.check import check_settings, from_engine
from bulkhead.model.settings.paths import SETTINGS, stack_file
from bulkhead.model.settings.product_reference import find_product, reference_in
from bulkhead.model.settings.stores import parts_of
from bulkhead.model.tasks import CATALOGUE as TASK_LIST
from bulkhead.model.tasks import Task, read_tasks

ALARMS: Final = "BULKHEAD_ALARMS"  # the catalogue of alarms, where it is not this checkout's own
TASKS: Final = "BULKHEAD_TASKS"  # and the list of tasks
IDENTITIES: Final = "bulkhead-identities"  # the project in identities/Pulumi.yaml
_STACK: Final = "PULUMI_STACK"
_PROJECT: Final = "PULUMI_PROJECT"
_CONFIG: Final = "PULUMI_CONFIG"  # JSON; it holds the stack's secrets in clear and is never shown


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """The product that is deployed, the settings of the stage, the catalogues of alarms and of tasks, and whose names
    are the stage's own."""

    product: Product
    settings: StageSettings
    identities: bool = False
    """Whether the stack holds who may touch the stage, instead of the stage itself."""
    alarms: tuple[Alarm, ...] = ()
    tasks: tuple[Task, ...] = ()
    others: tuple[PolicyContext, ...] = ()
    """The other stages, as far as their settings can be read."""

    @property
    def stage(self) -> Stage:
        return self.settings.stage

    @property
    def label(self) -> Label:
        return self.settings.label(self.product.name)

    @property
    def prefix(self) -> str:
        """What every name of this stage begins with, and no other stage's does."""
        return self.label.prefix

    @property
    def hostnames(self) -> frozenset[str]:
        """The hostnames at which the product's public Workers answer in this stage."""
        return frozenset(self.product.hostnames(self.settings.cloudflare.hostname).values())

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the stage's secrets, as variables are spelt."""
        bound = (each.name for worker in self.product.workers for each in worker.bindings if isinstance(each, Secret))
        stored = (secret.name for secret in self.product.secrets)
        return frozenset(upper_snake(name) for name in (*bound, *stored))

    def worker(self, physical: str) -> Worker | None:
        """Return the product's Worker that has this name in the stage."""
        named = (w for w in self.product.workers if self.label.name(Kind.WORKER, w.name) == physical)
        return next(named, None)

    def owned(self, kind: Kind) -> dict[str, str]:
        """Return the product's stores of one kind, logical names by the names they have in this stage."""
        return {self.label.name(kind, name): name for name in parts_of(self.product)[kind]}


def read_context(environ: Mapping[str, str]) -> PolicyContext:
    """Return what the stack in ``environ`` is judged against. Raises Refused, without any value of the configuration,
    when its product, its settings or a catalogue cannot be read."""
    stack, config = environ.get(_STACK, ""), _config(environ)
    identities = environ.get(_PROJECT) == IDENTITIES
    # The identities are configured by themselves; what they are judged against is the stage's own file.
    settings = read_settings(ROOT / stack_file(stack)) if identities else _settings(stack, config)
    product = find_product(reference_in(config, settings.product), file=stack_file(stack))
    alarms = read_alarms(Path(environ.get(ALARMS, CATALOGUE)))
    tasks = read_tasks(Path(environ.get(TASKS, TASK_LIST)))
    return PolicyContext(product, settings, identities, alarms, tasks, tuple(_others(product, settings)))


def _others(product: Product, settings: StageSettings) -> Iterator[PolicyContext]:
    """Yield the other stages. A file with faults says nothing here: `bulkhead settings check` refuses it, and then the
    rules take every foreign account for another stage's."""
    for stage in (each for each in Stage if each is not settings.stage):
        with suppress(Refused):
            yield PolicyContext(product, read_settings(ROOT / stack_file(stage)))


def _settings(stack: str, config: Mapping[str, str]) -> StageSettings:
    plain = {key: value for key, value in config.items() if key.startswith(f"{SETTINGS}:")}
    settings, faults = check_settings(stack, from_engine(plain), frozenset())
    if settings is None:
        raise Refused(f"The settings of stack {stack or 'without a name'} cannot be read.", faults)
    return settings


def stage_in(environ: Mapping[str, str]) -> Stage | None:
    """Return the stage of the stack in ``environ``: the one in its configuration, else the one of its name."""
    said = _config(environ).get(f"{SETTINGS}:stage", "")
    return Stage(said) if said in set(Stage) else stage_of(environ.get(_STACK, ""))


def _config(environ: Mapping[str, str]) -> dict[str, str]:
    try:
        config = json.loads(environ.get(_CONFIG) or "{}")
    except ValueError:
        config = None
    if not isinstance(config, dict):
        message = "is not the configuration of a stack"
        raise Refused("The policies were not started by Pulumi.", [Fault(_CONFIG, message, "pulumi preview")])
    return config
