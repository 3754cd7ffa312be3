"""One rehearsal, from nothing to nothing. Read it downward."""

from __future__ import annotations

import shutil
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from bulkhead.clients.d1 import D1
from bulkhead.clients.workers import Traffic
from bulkhead.delivery.live import serve_uploaded
from bulkhead.delivery.migrations.run import catch_up
from bulkhead.engine.analyzer import install_analyzer
from bulkhead.engine.environment import attached
from bulkhead.engine.finder import Engine, find_engine
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.engine.plugins import Plugin, find_plugins, install_plugins
from bulkhead.engine.workspace import Cipher, engine_environment, prepare, prepare_identities
from bulkhead.localclouds.api import seed
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.command import clouds_command
from bulkhead.localclouds.providers.store import Store
from bulkhead.machine import egress
from bulkhead.machine.environment import shed_owner
from bulkhead.machine.lifetime import Clock, Life, ended_by_signals, lived, side_by_side
from bulkhead.machine.node import find_node
from bulkhead.model import identities as identity_settings
from bulkhead.model import project
from bulkhead.model.bundles import read_bundles
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.model.settings.files import read_settings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN, required_secrets
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import KEY, one_product
from bulkhead.operations.secrets.rotation import opened
from bulkhead.rehearsal import closing, plugins, recording, report
from bulkhead.rehearsal.delivery import OWN_CODE
from bulkhead.rehearsal.evidence import Outcome, Report, StageReport, Verdict
from bulkhead.rehearsal.healing import end_lost_tokens, heal
from bulkhead.rehearsal.mishaps import Mishaps
from bulkhead.rehearsal.progress import Progress
from bulkhead.rehearsal.proofs import PROOFS
from bulkhead.rehearsal.proofs.proof import Proof
from bulkhead.rehearsal.proofs.untouched import checkout_state
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.rehearsal.survey import fidelity_of_all, survey
from bulkhead.rehearsal.tenants import tenant
from identities import program as identities_program
from infra import program

PACKAGES: Final = ("aws", "cloudflare", "github")
_SEED: Final = 5  # a first try must not depend on chance; the weekly run takes another seed each time


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for. ``stages`` are stack names; ``keep`` leaves the stages running and so shows no
    removal; ``page`` is where the report goes; ``real_plugins`` leaves Cloudflare and GitHub to their own plugins;
    ``recording`` is where to write what was asked of them, for a comparison; ``seed`` decides which calls fail
    half-way; without one, they are always the same."""

    product: str | None = None
    stages: tuple[str, ...] = tuple(stage.value for stage in Stage)
    keep: bool = False
    page: Path | None = None
    real_plugins: bool = False
    recording: Path | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything that a rehearsal needs, found and read before anything is started. ``chosen`` are settings, by their
    keys in a file, that override those of every stage's file."""

    product: Product
    settings: Mapping[str, StageSettings]
    engine: Engine
    plugins: Sequence[Plugin]
    checkout: str | None
    chosen: Mapping[str, Any] = field(default_factory=dict)


def rehearse(wish: Wish, progress: Progress) -> Report:
    """Bring the stages up on local clouds, prove what is promised, remove them again.

    Raises Refused for a person's mistake and Failed when a stage cannot be brought up. A proof that fails is in the
    report, and the remaining ones are still tried.
    """
    clock, started = Clock(), datetime.now(UTC).isoformat(timespec="seconds")
    verdicts: list[Verdict] = []
    with ended_by_signals():
        with clock.phase("preparation"):
            cast = cast_of(wish, progress)
        with lived(project.ROOT, keep=wish.keep, command=clouds_command(wish.stages), clock=clock) as life:
            with egress.Traps(life.run.logs, life.run.mark) as traps:
                try:
                    with clock.phase("stages up"):
                        scene = set_up(cast, life, traps, progress, wish)
                        seconds = bring_up(scene, progress)
                    life.keep = wish.keep
                    stages = survey(scene, seconds)
                    if wish.recording:
                        recording.write(wish.recording, recording.record(scene))
                    for proof in PROOFS:
                        with clock.phase(f"proof: {proof.key}"):
                            verdicts.append(_tried(proof, scene, wish, progress))
                    if not wish.keep:
                        with clock.phase("removal"):
                            verdicts.append(_tried(closing.STAGES_GONE, scene, wish, progress))
                except BaseException as error:
                    if life.keep:
                        progress.note("The stages are left running. End them with: bulkhead rehearse --stop")
                    logs = _save_logs(life, started)
                    if isinstance(error, Failed) and error.log:
                        error.log = Path(logs) / error.log.name
                    raise
            logs = _save_logs(life, started) if _failed(verdicts) else ""
            planted = _planted(scene)
        result = _report(cast, clock, started, stages, verdicts, life, logs)
        for last in (closing.report_is_clean(planted, result), closing.nothing_left(life.run, life.watchdog_gone)):
            verdicts.append(_tried(last, scene, wish, progress))
    result = replace(result, verdicts=tuple(verdicts), seconds=clock.seconds, phases=dict(clock.phases))
    if wish.page and not any(v.key == "report" and v.outcome is Outcome.FAILED for v in verdicts):
        report.write(result, wish.page)
    return result


def cast_of(wish: Wish, progress: Progress) -> Cast:
    """Find and read everything that a rehearsal needs. Raises Refused where something is missing."""
    for file in filter(None, (wish.page, wish.recording)):
        report.check_writable(file)
    found = find_plugins(plugins.REAL) if wish.real_plugins else ()  # Pulumi's home is the owner's, who is shed next
    shed_owner()
    read = {stack: read_settings(project.ROOT / stack_file(stack)) for stack in wish.stages}
    settings = {
        stack: each if wish.product is None else each.model_copy(update={"product": wish.product})
        for stack, each in read.items()
    }
    product = one_product({stack: each.product for stack, each in read.items()}, wish.product)
    read_bundles(product, project.ROOT)
    find_node()
    return Cast(product, settings, find_engine(progress.note), found, checkout_state(project.ROOT))


def set_up(cast: Cast, life: Life, traps: egress.Traps, progress: Progress, wish: Wish) -> Scene:
    """Write each stage's copy of the settings, with worthless secrets, and name everything the proofs look at."""
    _require_running(tuple(cast.settings), life.clouds["stages"])
    real = {plugin.package: life.clouds[plugin.package] for plugin in cast.plugins}
    tools = install_analyzer(life.run.path / "tools")
    install_plugins(cast.plugins, tools)
    environment = engine_environment(
        life.run,
        providers={package: life.clouds["providers"] for package in PACKAGES if package not in real},
        tools=[tools],
    )
    root, cipher = project.ROOT, Cipher(life.run.passphrase)
    # In a kept rehearsal that goes on tomorrow, tokens are rotated once a day and not with each run.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    stages, tenants = {}, []
    for stack, settings in cast.settings.items():
        chosen = {**cast.chosen, KEY: settings.product}
        theirs = {
            identity_settings.PROFILE: "rehearsal",  # the local AWS asks for none
            identity_settings.TOKENS: identity_settings.spelt(opened(None, today, stack)),
        }
        workspace = prepare(root, life.run, stack, required_secrets(cast.product), cipher, chosen)
        if real:
            plugins.put_bundles(cast.product, root, workspace.path)
        identities = prepare_identities(
            root,
            life.run,
            stack,
            identity_settings.required_secrets(cast.product),
            cipher,
            {KEY: settings.product, **theirs},
        )
        driven = partial(
            InlineStack,
            life.run,
            engine=cast.engine,
            environment=environment | traps.environment,
            on_event=progress.on_event,
        )
        tenants.append(tenant(cast.product, settings, identities.canaries))
        addresses = life.clouds["stages"][stack]
        stages[stack] = StandingStage(
            settings,
            driven(
                identities,
                program=plugins.led_to(real, partial(identities_program.run, cast.product, settings)),
                part="identities",
            ),
            driven(workspace, program=plugins.led_to(real, partial(program.run, cast.product))),
            StageCloud(addresses["control"], addresses["token"]),
            addresses["url"],
            ChainMap(workspace.canaries, identities.canaries),  # the stage's own will change: see bring_up
        )
    seed.write(life.run.seed, tenants)
    store = Store(life.run.store)
    addresses = (life.clouds["moto"], life.clouds["cloudflare"])
    own = attached(dict.fromkeys(PACKAGES, life.clouds["providers"]))
    # The real plugins repeat a create ten times, for minutes, and what they leave then nobody promises; and what is
    # recorded is held against theirs.
    undisturbed = wish.real_plugins or wish.recording
    mishaps = None if undisturbed else Mishaps(_SEED if wish.seed is None else wish.seed)
    return Scene(
        cast.product, root, life.run, store, *addresses, stages, cast.checkout, lambda: traps.looks, own, mishaps
    )


def _require_running(stages: Sequence[str], running: Mapping[str, object]) -> None:
    """Raise Refused where a kept rehearsal was started without a stage that is asked for now."""
    message = f"is none of the stages that the kept rehearsal was started with ({', '.join(running)})"
    fix = "bulkhead rehearse --stop, then start it with all the stages that are wanted"
    faults = [Fault(f"--stage {stage}", message, fix) for stage in stages if stage not in running]
    if faults:
        raise Refused("The kept rehearsal runs without this stage.", faults)


def bring_up(scene: Scene, progress: Progress) -> dict[str, dict[str, float]]:
    """Bring every stage up side by side, migrations included; return seconds per phase and stage."""

    def bring(stage: StandingStage) -> dict[str, float]:
        clock = Clock()
        _bring_up_stack(scene, stage, stage.identities, "identities", clock)
        with clock.phase("token"):  # what README.md has a person do: the stage is deployed with its own token
            stage.stack.keep_secret(CLOUDFLARE_TOKEN, stage.identities.outputs()["deployToken"])
        if scene.mishaps and stage.environment == scene.mishaps.environment and not stage.stack.state_text():
            with clock.phase("up"):
                progress.step(stage.environment, f"up, with calls that fail half-way (--seed {scene.mishaps.seed})")
                scene.mishaps.up(scene, stage)
        else:
            resumed = _bring_up_stack(scene, stage, stage.stack, "up", clock)
            if resumed:  # the code may be another by now, or a proof was interrupted before it had tidied up
                with scene.cloudflare_api(stage) as api, clock.phase("traffic"):
                    serve_uploaded(
                        Traffic(api, stage.settings.cloudflare.account_id), stage.stack.resources(), OWN_CODE
                    )
        with clock.phase("migrations"):
            progress.step(stage.environment, "applying migrations")
            applied = _migrate(scene, stage)
            progress.done(stage.environment, f"up, {len(scene.records(stage))} resources, {applied} migrations applied")
        return clock.phases

    def abandon() -> None:
        for stage in scene.stages.values():
            for stack in stage.stacks:
                stack.kill()

    return side_by_side({e: partial(bring, stage) for e, stage in scene.stages.items()}, abandon)


def _bring_up_stack(scene: Scene, stage: StandingStage, stack: InlineStack, phase: str, clock: Clock) -> bool:
    """Return whether it was there already."""
    resumed = bool(stack.state_text())  # of a kept rehearsal, perhaps one that was killed
    if resumed:
        with clock.phase("healing"):
            heal(scene, stage, stack)
    with clock.phase(phase):
        stack.up(refresh=resumed)
    if resumed:
        end_lost_tokens(scene, stage)
    return resumed


def _migrate(scene: Scene, stage: StandingStage) -> int:
    applied = 0
    for database in scene.product.databases:
        if database.migrations:
            id_, account = scene.database_id(stage, database.name), stage.settings.cloudflare.account_id
            with scene.cloudflare_api(stage) as api:
                applied += len(catch_up(D1(api, account, id_, database.name), scene.root / database.migrations))
    return applied


def _tried(proof: Proof, scene: Scene, wish: Wish, progress: Progress) -> Verdict:
    verdict = proof.kept() if wish.keep and proof.removes else proof.verdict(scene)
    progress.verdict(verdict)
    return verdict


def _report(
    cast: Cast,
    clock: Clock,
    started: str,
    stages: tuple[StageReport, ...],
    verdicts: list[Verdict],
    life: Life,
    logs: str,
) -> Report:
    ending = "The stages are left running." if life.keep else "The stages are removed; production's cloud is discarded."
    real = f", with the real plugins {' and '.join(map(str, cast.plugins))}" if cast.plugins else ""
    engine = f"Pulumi {cast.engine.version} ({cast.engine.origin}){real}"
    return Report(
        cast.product.name,
        engine,
        started,
        clock.seconds,
        stages,
        tuple(verdicts),
        dict(clock.phases),
        ending,
        logs,
        fidelity_of_all(stages),
    )


def _planted(scene: Scene) -> dict[str, str]:
    return {f"{e}:{name}": value for e, stage in scene.stages.items() for name, value in stage.canaries.items()}


def _failed(verdicts: list[Verdict]) -> bool:
    return any(verdict.outcome is Outcome.FAILED for verdict in verdicts)


def _save_logs(life: Life, started: str) -> str:
    """Copy the logs to where they stay when the run directory goes; return that place."""
    kept = project.ROOT / ".rehearsal" / "logs" / started.replace(":", "")
    shutil.copytree(life.run.logs, kept, dirs_exist_ok=True)
    return str(kept)
