"""Stages on local clouds, as a rehearsal brings them up, without its proofs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.harness import tell
from bulkhead.engine.analyzer import install_analyzer
from bulkhead.engine.finder import Engine, find_engine
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.engine.workspace import Cipher, engine_environment, prepare
from bulkhead.localclouds.api import seed
from bulkhead.localclouds.command import clouds_command
from bulkhead.machine.lifetime import Clock, Life, lived
from bulkhead.model.bundles import read_bundles
from bulkhead.model.naming import Stage
from bulkhead.model.project import ROOT
from bulkhead.model.settings.files import read_settings
from bulkhead.model.settings.keys import required_secrets
from bulkhead.model.settings.paths import stack_file
from bulkhead.rehearsal.run import PACKAGES
from bulkhead.rehearsal.tenants import tenant
from infra import program
from infra.product import PRODUCT

STAGES = tuple(stage.value for stage in Stage)
PRODUCTION = Stage.PRODUCTION.value


@dataclass(frozen=True, slots=True)
class Standing:
    """Clouds that stand, the port of each package's provider on them, and the stacks of the product's stages."""

    life: Life
    engine: Engine
    providers: dict[str, int]
    environment: dict[str, str]
    stacks: dict[str, InlineStack]


@contextmanager
def standing(stages: Sequence[str]) -> Iterator[Standing]:
    """Start fresh clouds on which ``stages`` can be brought up, and end them afterwards. Raises Refused when a settings
    file cannot be read or a bundle has not been built."""
    engine = find_engine(tell)
    read_bundles(PRODUCT)
    with lived(ROOT, keep=False, command=clouds_command(stages), clock=Clock()) as life:
        providers = dict.fromkeys(PACKAGES, life.clouds["providers"])
        tools = [install_analyzer(life.run.path / "tools")]
        environment = engine_environment(life.run, providers=providers, tools=tools)
        cipher, run = Cipher(life.run.passphrase), partial(program.run, PRODUCT)
        stacks, tenants = {}, []
        for name in stages:
            workspace = prepare(ROOT, life.run, name, required_secrets(PRODUCT), cipher)
            tenants.append(tenant(PRODUCT, read_settings(ROOT / stack_file(name)), workspace.canaries))
            stacks[name] = InlineStack(life.run, workspace, engine=engine, environment=environment, program=run)
        seed.write(life.run.seed, tenants)
        yield Standing(life, engine, providers, environment, stacks)


@contextmanager
def production() -> Iterator[tuple[Standing, InlineStack]]:
    """Bring production up on fresh clouds."""
    with standing((PRODUCTION,)) as stood:
        tell(f"bringing {PRODUCTION} up on local clouds")
        stack = stood.stacks[PRODUCTION]
        stack.up()
        yield stood, stack
