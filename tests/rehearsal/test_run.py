"""One rehearsal as a whole: what is tried in which order, and what becomes of what goes wrong."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bulkhead.clients.d1 import D1
from bulkhead.clients.workers import Traffic
from bulkhead.engine.plugins import sdk_version
from bulkhead.machine import egress, rundir
from bulkhead.machine.lifetime import Life
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused
from bulkhead.rehearsal.evidence import Outcome, Report, Verdict
from bulkhead.rehearsal.mishaps import Mishaps
from bulkhead.rehearsal.proofs import PROOFS
from bulkhead.rehearsal.proofs.proof import Proof, require
from bulkhead.rehearsal.scene import Scene
from infra.product import PRODUCT
from tests.support.checkout import work_in
from tests.support.plugins import put_plugin
from tests.support.scene import World

LAST = ["staging-goes", "report", "no-trace"]
KEYS = [proof.key for proof in PROOFS]
NOBODY = 2**22 + 1  # more than the highest process id of Linux


class RecordedProgress:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.notes: list[str] = []
        self.ended: dict[str, str] = {}

    def note(self, text: str, style: str = "") -> None:
        self.notes.append(text)

    def step(self, stage: str, doing: str) -> None: ...

    def done(self, stage: str, what: str, *, succeeded: bool = True) -> None:
        self.ended[stage] = what

    def on_event(self, event: object) -> None: ...

    def verdict(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)


class Rehearsal:
    """`run.rehearse` in a world of memory. ``acts`` is what happened around it, in order."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        from bulkhead.rehearsal import run  # noqa: PLC0415 (the Pulumi SDKs take seconds to import)

        self.module = run
        self.world = World(folder, git=True)
        self.progress = RecordedProgress()
        self.acts: list[str] = []
        self.life: Life | None = None
        self.kept = folder / "kept"
        engine: Any = SimpleNamespace(version="3.250.0", origin="the cache")
        settings = {environment: part.settings for environment, part in self.world.parts.items()}
        cast = run.Cast(PRODUCT, settings, engine, (), self.world.scene.checkout)
        work_in(patch, self.kept)
        patch.setattr(run, "cast_of", lambda *_: cast)
        patch.setattr(run, "lived", self.lived)
        patch.setattr(egress, "Traps", self.traps)
        patch.setattr(run, "set_up", lambda *_: self.world.scene)
        patch.setattr(run, "bring_up", lambda *_: {e: {"up": 1.0} for e in self.world.parts})

    def go(self, **wish: Any) -> Report:
        return self.module.rehearse(self.module.Wish(**wish), self.progress)

    @contextmanager
    def lived(self, checkout: Path, **given: Any) -> Iterator[Life]:
        self.acts.append(f"clouds of {given['command'][-1]}")
        run = replace(self.world.run, temporary=not given["keep"])
        self.life = Life(run, {}, NOBODY)
        try:
            yield self.life
        finally:
            self.acts.append("ended")
            if not self.life.keep:
                rundir.remove(run.path)

    @contextmanager
    def traps(self, logs: Path, mark: str) -> Iterator[Any]:
        self.acts.append("nets out")
        yield SimpleNamespace(environment={}, looks=1)
        self.acts.append("nets in")


@pytest.fixture
def rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    return Rehearsal(tmp_path, monkeypatch)


def outcomes(report: Report) -> dict[str, Outcome]:
    return {verdict.key: verdict.outcome for verdict in report.verdicts}


def test_everything_is_proven_in_order_and_nothing_is_left(rehearsal: Rehearsal, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    report = rehearsal.go(page=page)
    assert [verdict.key for verdict in report.verdicts] == [*KEYS, *LAST]
    assert set(outcomes(report).values()) == {Outcome.PROVEN}, report.failed
    assert report.ok
    assert rehearsal.progress.verdicts == list(report.verdicts)
    assert rehearsal.acts == ["clouds of development,staging,production", "nets out", "nets in", "ended"]
    assert list(report.phases) == ["preparation", "stages up", *(f"proof: {key}" for key in KEYS), "removal"]
    assert (report.engine, report.logs) == ("Pulumi 3.250.0 (the cache)", "")
    assert [stage.seconds for stage in report.stages] == [{"up": 1.0}] * 3
    assert all(verdict.claim in unescape(page.read_text()) for verdict in report.verdicts)
    assert not rehearsal.kept.exists()


def test_what_is_kept_is_not_removed_and_not_called_gone(rehearsal: Rehearsal) -> None:
    report = rehearsal.go(keep=True)
    told = outcomes(report)
    assert [key for key, outcome in told.items() if outcome is Outcome.NOT_SHOWN] == ["development-goes", "no-trace"]
    assert "staging-goes" not in told
    assert report.ok
    assert report.ending == "The stages are left running."
    assert rehearsal.life is not None
    assert rehearsal.life.keep
    assert rehearsal.world["development"].stack.destroyed == []


def test_what_is_up_and_to_be_kept_stays_when_the_proofs_are_interrupted(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearsal.module, "_tried", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rehearsal.go(keep=True)
    assert rehearsal.life is not None
    assert rehearsal.life.keep
    assert any("bulkhead rehearse --stop" in note for note in rehearsal.progress.notes)


def test_a_kept_rehearsal_gets_no_stage_that_it_was_started_without(rehearsal: Rehearsal) -> None:
    running = {"development": {"url": "http://127.0.0.1:1"}}
    rehearsal.module._require_running(("development",), running)
    with pytest.raises(Refused) as refused:
        rehearsal.module._require_running(("development", "staging"), running)
    (fault,) = refused.value.faults
    assert fault.key == "--stage staging"
    assert "(development)" in fault.message
    assert "rehearse --stop" in fault.fix


def test_a_failed_proof_does_not_stop_the_others_and_leaves_the_logs(rehearsal: Rehearsal) -> None:
    world = rehearsal.world
    world["staging"].cloud.env[world["staging"].worker("web")].append("EXTRA")
    report = rehearsal.go()
    assert [verdict.key for verdict in report.failed] == ["bindings"]
    assert len(report.verdicts) == len(KEYS) + len(LAST)
    assert not report.ok
    assert (Path(report.logs) / "staging-01-up.log").read_text() == "+ created"
    assert Path(report.logs).is_relative_to(rehearsal.kept)


def test_a_report_that_shows_a_secret_is_not_written(rehearsal: Rehearsal, tmp_path: Path) -> None:
    world, page = rehearsal.world, tmp_path / "page.html"
    failed = Failed(f"up failed: Bearer {world['staging'].canaries['githubToken']}")
    world["staging"].cloud.answers[world["staging"].worker("web")] = failed
    report = rehearsal.go(page=page)
    assert "report" in [verdict.key for verdict in report.failed]
    assert not page.exists()


def test_what_is_left_behind_is_in_the_page_too(
    rehearsal: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rundir, "remove", lambda path: None)
    page = tmp_path / "page.html"
    report = rehearsal.go(page=page)
    assert [verdict.key for verdict in report.failed] == ["no-trace"]
    assert f"directory {rehearsal.world.run.path}" in page.read_text()


@pytest.mark.parametrize("error", [ValueError("a fault of ours"), KeyboardInterrupt()])
def test_whatever_ends_it_early_leaves_the_logs_and_ends_everything(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(rehearsal.module, "bring_up", broken)
    with pytest.raises(type(error)):
        rehearsal.go()
    assert rehearsal.acts[-1] == "ended"
    assert rehearsal.progress.verdicts == []
    assert not rehearsal.world.run.path.exists()
    assert len(list(rehearsal.kept.rglob("staging-01-up.log"))) == 1


def test_a_stage_that_does_not_come_up_is_told_with_a_log_that_stays(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise Failed("staging: up failed.", ["no"], rehearsal.world.run.logs / "staging-01-up.log")

    monkeypatch.setattr(rehearsal.module, "bring_up", broken)
    with pytest.raises(Failed) as caught:
        rehearsal.go()
    assert caught.value.log is not None
    assert caught.value.log.read_text() == "+ created"


def test_an_interrupted_proof_is_the_last_one(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    def show(scene: Scene) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearsal.module, "PROOFS", (PROOFS[0], Proof("trial", "a trial", show), *PROOFS[1:]))
    with pytest.raises(KeyboardInterrupt):
        rehearsal.go()
    assert [verdict.key for verdict in rehearsal.progress.verdicts] == ["answers"]
    assert not rehearsal.world.run.path.exists()


class TestBringingUp:
    """`bring_up` with stacks of memory: what is called of each, in which order."""

    @pytest.fixture
    def calls(self, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
        monkeypatch.undo()  # this is about the real one
        monkeypatch.setattr(Mishaps, "up", lambda _self, _scene, stage: stage.stack.up(refresh=False))
        calls: dict[str, list[str]] = {}
        for environment, part in rehearsal.world.parts.items():
            said = calls[environment] = []

            def up(said: list[str] = said, **given: Any) -> None:
                said.append(f"up {given}")

            def heal(id_of: Callable[[str], str | None], said: list[str] = said) -> None:
                said.append(f"heal {id_of('urn:known')} {id_of('urn:unknown')}")

            def keep(name: str, value: str, said: list[str] = said) -> None:
                said.append(f"keep {name} {value}")

            monkeypatch.setattr(part.stack, "keep_secret", keep)
            monkeypatch.setattr(part.stack, "up", up)
            part.identities.exported["deployToken"] = f"made for {environment}"
            monkeypatch.setattr(part.stack, "heal", heal)
            monkeypatch.setattr(part.stack, "kill", partial(said.append, "kill"))

        def catch_up(database: D1, folder: Path) -> list[str]:
            accounts = {part.settings.cloudflare.account_id: e for e, part in rehearsal.world.parts.items()}
            calls[accounts[database.account]].append(
                f"migrate {database.id} {folder.relative_to(rehearsal.world.root)}"
            )
            return ["0001.sql", "0002.sql"]

        def serve(traffic: Traffic, _resources: object, _message: str) -> None:
            accounts = {part.settings.cloudflare.account_id: e for e, part in rehearsal.world.parts.items()}
            calls[accounts[traffic.account]].append("traffic")

        monkeypatch.setattr(rehearsal.module, "catch_up", catch_up)
        monkeypatch.setattr(rehearsal.module, "serve_uploaded", serve)
        return calls

    def test_each_stage_comes_up_and_gets_its_migrations(
        self, rehearsal: Rehearsal, calls: dict[str, list[str]]
    ) -> None:
        seconds = rehearsal.module.bring_up(rehearsal.world.scene, rehearsal.progress)
        assert {environment: list(phases) for environment, phases in seconds.items()} == {
            environment: ["identities", "token", "up", "migrations"] for environment in rehearsal.world.parts
        }
        for environment, said in calls.items():
            migrated = f"migrate id-harbor-{environment}-d1-main worker/migrations/main"
            assert said == [f"keep cloudflareApiToken made for {environment}", "up {'refresh': False}", migrated]
            count = len(rehearsal.world.store.all(environment=environment))
            assert rehearsal.progress.ended[environment] == f"up, {count} resources, 2 migrations applied"

    def test_what_somebody_left_half_done_is_healed_first(
        self, rehearsal: Rehearsal, calls: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rehearsal.world.add("staging", "t:index:T", "known", note=1)
        monkeypatch.setattr(rehearsal.world["staging"].stack, "state_text", lambda: "{}")
        rehearsal.module.bring_up(rehearsal.world.scene, rehearsal.progress)
        assert calls["staging"][1:4] == ["heal known None", "up {'refresh': True}", "traffic"]
        assert calls["production"][1] == "up {'refresh': False}"

    def test_when_one_fails_the_others_still_come_up(
        self, rehearsal: Rehearsal, calls: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failed = threading.Event()

        def broken(**_: Any) -> None:
            failed.set()
            raise Failed("staging: up failed.")

        def later(**_: Any) -> None:
            require(failed.wait(5), "staging to fail", "it did not")
            calls["production"].append("up")

        monkeypatch.setattr(rehearsal.world["staging"].stack, "up", broken)
        monkeypatch.setattr(rehearsal.world["production"].stack, "up", later)
        with pytest.raises(Failed, match="staging: up failed"):
            rehearsal.module.bring_up(rehearsal.world.scene, rehearsal.progress)
        assert calls["production"][1] == "up"
        assert "kill" not in str(calls)


def test_the_real_plugins_are_looked_for_where_the_owner_keeps_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bulkhead.rehearsal import plugins, run  # noqa: PLC0415 (as above)

    versions = {package: sdk_version(package) for package in plugins.REAL}
    kept = [
        put_plugin(tmp_path / "plugins" / f"resource-{package}-v{version}", package, version)
        for package, version in versions.items()
    ]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    monkeypatch.setattr(run, "shed_owner", partial(monkeypatch.delenv, "PULUMI_HOME"))
    monkeypatch.setattr(run, "find_engine", lambda _: None)
    monkeypatch.setattr(run, "read_bundles", lambda *_: {})
    cast = run.cast_of(run.Wish(real_plugins=True), RecordedProgress())
    assert [plugin.path for plugin in cast.plugins] == kept
    assert "PULUMI_HOME" not in os.environ


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"page": Path("/nowhere/page.html")}, "/nowhere"),
        ({"product": "infra.product"}, "infra.product"),
        ({"product": "no.such.module:PRODUCT"}, "no.such.module:PRODUCT"),
        ({"product": "infra.product:NOTHING"}, "infra.product:NOTHING"),
    ],
)
def test_a_mistake_is_refused_before_anything_is_started(
    wish: dict[str, Any], place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bulkhead.rehearsal import run  # noqa: PLC0415 (as above)

    def started(*_: Any, **__: Any) -> None:
        pytest.fail("something was started")

    monkeypatch.setattr(run, "shed_owner", lambda: ())
    monkeypatch.setattr(run, "lived", started)
    with pytest.raises(Refused) as caught:
        run.rehearse(run.Wish(**wish), RecordedProgress())
    assert place in str(caught.value)
    assert all(fault.fix for fault in caught.value.faults)
