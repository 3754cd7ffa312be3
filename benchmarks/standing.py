"""Stages on local clouds, as a rehearsal brings them up, without its proofs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bulkhead.engine.finder import Engine
from bulkhead.engine.stacks import StageStack
from bulkhead.engine.workspace import Cipher, Workspace, engine_environment, prepare
from bulkhead.machine.lifetime import Life
from bulkhead.model.bundles import read_bundles
from bulkhead.model.project import ROOT
from bulkhead.model.settings.keys import required_secrets
from bulkhead.rehearsal.run import PACKAGES
from infra import program
from infra.product import PRODUCT


@dataclass(frozen=True, slots=True)
class Standing:
    """One stage of the product: what the engine works on, and the stack that drives it."""

    workspace: Workspace
    environment: dict[str, str]
    stack: StageStack


def stages(life: Life, engine: Engine, environments: Iterable[str], tools: Iterable[Path] = ()) -> dict[str, Standing]:
    """Return the product's stages in a rehearsal's directory, ready to be brought up; ``tools`` are folders on the
    engine's PATH. Raises Refused when a settings file cannot be read or a bundle has not been built."""
    read_bundles(PRODUCT)
    environment = engine_environment(life.run, providers=ports(life), tools=tools)
    cipher = Cipher(life.run.passphrase)
    standing = {}
    for name in environments:
        workspace = prepare(ROOT, life.run, name, required_secrets(PRODUCT), cipher)
        stack = StageStack(
            life.run, workspace, engine=engine, environment=environment, program=partial(program.run, PRODUCT)
        )
        standing[name] = Standing(workspace, environment, stack)
    return standing


def ports(life: Life) -> dict[str, int]:
    """Return the port of each package's provider on the local clouds."""
    return dict.fromkeys(PACKAGES, life.clouds["providers"])
