"""What `bulkhead deploy` meets: a checkout, a Pulumi CLI, Cloudflare's API, S3, a front with visitors, and a clock that
nobody waits for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.analysis.code.reader import Facts, SourceLocation, Use
from bulkhead.cli.main import main
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Traffic
from bulkhead.delivery.answers import OVERRIDES, VERSIONS
from bulkhead.delivery.journal import Journal, Run
from bulkhead.delivery.lease import Lease
from bulkhead.delivery.migrations import files
from bulkhead.delivery.migrations import run as migrations
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.signals import Signals
from bulkhead.delivery.watching import Clock
from bulkhead.engine.stack import StackCli
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.cloudflare.counted import Counted
from bulkhead.machine.owner import Owner, this_process
from bulkhead.model.access import KEY_ID, KEY_SECRET, LOGIN
from bulkhead.model.naming import Kind
from bulkhead.model.product import HEALTH
from bulkhead.operations.backups.now import Taken
from bulkhead.operations.backups.place import Place
from bulkhead.preview import waivers
from bulkhead.resources import types as t
from jobs.folders import Tier
from jobs.vault import Backup
from tests.preview.made import Preview
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN, open_api
from tests.support.fake_pulumi import FakePulumi
from tests.support.ferry import FERRY, MIGRATIONS, NAME
from tests.support.memory_s3 import MemoryS3
from tests.support.moving_stage import Killed
from tests.support.released import Released
from tests.support.settings_fixture import make_settings, write_stage_files
from tests.support.sqlite_stage import SqliteStage
from tests.support.stored_secrets import store_secrets

UNGUARDED: dict[str, Any] = {"protect": (False, False), "retain": (False, False)}
DEAD = Owner("alice", "laptop", "another-boot", 1, 1.0)


class Visited(SqliteStage):
    """A stage whose requests somebody counts."""

    def __init__(self, folder: Path, rows: Callable[[str, int], Sequence[Counted]]) -> None:
        super().__init__(folder)
        self._rows = rows

    def counted(self, dataset: str, first: float, last: float) -> list[Counted]:
        minutes = range(int(first) // 60, int(last) // 60 + 1)
        return [row for minute in minutes for row in self._rows(dataset, minute) if first <= row.at <= last]


class DeployScene:
    """Staging, unless another ``stage`` is meant. ``broken`` are the releases whose `web` fails; ``open_to_strangers``
    is whether the login is missing; ``requests`` are those of a minute. ``uploads`` names the release that the next
    `up` brings, ``published`` counts the twins."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str = "staging") -> None:
        self.stage = stage
        self.settings = make_settings(stage)
        self.root = folder / "checkout"
        self.pulumi = FakePulumi(folder / "pulumi", TOKEN)
        self.s3: Any = MemoryS3()
        self.minute = int(time.time()) // 60
        self.broken: set[str] = set()
        self.open_to_strangers = False
        self.requests = 3000
        self.uploads = ""
        self.published = 0
        self.backed_up: list[str] = []
        self.account = self.settings.cloudflare.account_id
        self.where = Visited(folder, self._counted)
        names = {"cloudflare": {TOKEN: "deploy"}}
        zone = {self.settings.cloudflare.zone_id: "acme-hotels.com"}
        tenant = Tenant(stage, self.account, zone, "acme-hotels/harbor", names)
        self.api = open_api(folder, tenant, stage=lambda _environment: self.where, clock=lambda: self.minute * 60.0)
        self.rest = Rest(CLOUDFLARE, TOKEN, self.api.transport())
        self.released = Released(self.api, self.rest, self.account, stack=stage)
        self.released.keep_time(monkeypatch)
        self._write_checkout(monkeypatch)
        self._stand_in(monkeypatch)
        self.says_nothing_changes()

    def run(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
        code = main(["deploy", self.stage, "--base", "main", *arguments])
        return code, *capsys.readouterr()

    # what is in the stage already

    def stands(self, release: str = "") -> str:
        """Let staging have the release of the commit that is checked out, and its database; return the commit."""
        name = release or self.commit()[:12]
        self.released.release(name, "clerk", "web", live=False)
        for worker in ("clerk", "web"):
            self.released.deploy(worker, {name: 100}, f"{name} done")
        self.migrate()
        self.holds(name)
        return name

    def migrate(self) -> None:
        """Apply the migrations that the checkout has."""
        there = self.released.database()
        migrations.apply(there, migrations.planned(there, files.read(self.root / MIGRATIONS), MIGRATIONS, ""))

    def holds(self, release: str) -> None:
        """Let the state hold these versions."""
        self.pulumi.holds(self._resources(release) if release else [])

    def previews(self, release: str, *more: Callable[[Preview], Any]) -> None:
        """Let an `up` replace the version of `web`, as new code of it does, and bring that release."""
        self.uploads = release
        old = self.released.ids.get(("web", self._held), "")
        was, becomes = {"workerId": "w", "modules": "old"}, {"workerId": "w", "modules": "new"}
        preview = Preview(self.stage)
        if old:
            preview.replace(t.WORKER_VERSION, was, becomes, "web", id_=old, **UNGUARDED)
        else:
            for worker in ("clerk", "web"):
                preview.create(t.WORKER_VERSION, worker, becomes, **UNGUARDED)
        self.pulumi.previews(preview.text, fine=True)

    def says_nothing_changes(self) -> None:
        self.pulumi.previews(Preview(self.stage).text, fine=True)

    def changes_a_namespace(self) -> None:
        preview = Preview(self.stage)
        preview.create(t.WORKERS_KV_NAMESPACE, "sessions", {"title": "harbor-staging-kv-sessions"})
        self.pulumi.previews(preview.text, fine=True)

    def migration(self, name: str, text: str) -> None:
        (self.root / MIGRATIONS / name).write_text(text)
        self.commit(f"migrate {name}")

    # what the commit is

    def commit(self, subject: str = "") -> str:
        """Commit what is there when there is a ``subject``; return the commit that is checked out."""
        if subject:
            self._git("add", "--all")
            self._git("commit", "--quiet", "--allow-empty", "--message", subject)
        return self._git("rev-parse", "HEAD").strip()

    def change(self, text: str = "export default {}; // another\n") -> str:
        """Change the code of `web`, and return the commit."""
        (self.root / "worker/web.js").write_text(text)
        return self.commit("change web")

    def check_out(self, commit: str) -> None:
        self._git("checkout", "--quiet", commit)

    # what others did

    def journal(self, me: Owner = DEAD) -> Journal:
        return Journal(self.s3, "any", self.stage, me=me)

    @contextmanager
    def killed_at(self, step: str) -> Iterator[None]:
        """Let the process die, as by SIGKILL, when it has noted a step."""
        note, gone = Run.note, subprocess.Popen(["true"])
        gone.wait()

        def mortal(run: Run, name: str, facts: Any = None) -> Any:
            entry = note(run, name, facts)
            if name == step:
                raise Killed
            return entry

        with pytest.MonkeyPatch.context() as patch:
            owner = replace(this_process(), user="bob", pid=gone.pid)
            patch.setattr("bulkhead.delivery.journal.this_process", lambda: owner)
            patch.setattr(Lease, "_release", lambda _lease: None)
            patch.setattr(Run, "note", mortal)
            with pytest.raises(Killed):
                yield

    def only(self, *tools: str) -> Path:
        """Return a folder for PATH with these tools and no others."""
        folder = self.root.parent / "tools"
        folder.mkdir()
        for tool in tools:
            (folder / tool).symlink_to(str(shutil.which(tool)))
        return folder

    def runs(self) -> list[Run]:
        return list(self.journal().runs())

    def percent(self, release: str, worker: str = "web") -> float:
        """Return how many percent of the requests a release has."""
        return self.released.live(worker).get(release, 0.0)

    def message(self) -> str:
        """Return what the live deployment of `web` says of itself."""
        live = Traffic(self.rest, self.account).live(self.released.script("web"))
        return live.message if live else ""

    def close(self) -> None:
        self.rest.__exit__(None, None, None)
        self.api.journal.close()
        self.api.resources.store.close()

    # how it is made

    @property
    def _held(self) -> str:
        exported = json.loads((self.pulumi.folder / "state.json").read_text())
        held = [each["id"] for each in exported["deployment"]["resources"] if each["type"] == t.WORKER_VERSION]
        return next((name for (_, name), id_ in self.released.ids.items() if id_ in held), "")

    def _resources(self, release: str) -> list[dict[str, Any]]:
        found = []
        for worker in ("clerk", "web"):
            urn = f"urn:pulumi:{self.stage}::bulkhead::{{}}::{worker}"
            script, version = self.released.script(worker), self.released.ids[worker, release]
            found.append(
                {"urn": urn.format(t.WORKER), "type": t.WORKER, "id": f"id-{script}", "outputs": {"name": script}}
            )
            inputs = {"workerId": f"id-{script}"}
            found.append(
                {"urn": urn.format(t.WORKER_VERSION), "type": t.WORKER_VERSION, "id": version, "inputs": inputs}
            )
        return found

    def _upped(self) -> None:
        """What an `up` has made, once it is done."""
        if not self.uploads:
            return
        name, before = self.uploads, self._held
        self.uploads = ""
        self.released.release(name, "web", live=False)
        if before:
            self.released.ids["clerk", name] = self.released.ids["clerk", before]
        else:  # the first versions serve at once
            self.released.release(name, "clerk", live=False)
            for worker in ("clerk", "web"):
                self.released.deploy(worker, {name: 100})
            self.released.database()
        if before and self.settings.rollout.strategy == "all-at-once":
            self.released.deploy("web", {name: 100})
        self.holds(name)
        self.says_nothing_changes()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        """What a visitor gets: from the version that is asked for, or from the one that has most of the requests."""
        if KEY_ID and request.headers.get("CF-Access-Client-Id") != "an-id" and not self.open_to_strangers:
            return httpx.Response(302, headers={"Location": f"https://team{LOGIN}{request.url.host}"})
        asked, answered = request.headers.get(OVERRIDES, ""), {}
        for worker in ("web", "clerk"):
            shares = self.released.live(worker)
            deployed = {self.released.ids[worker, name]: share for name, share in shares.items()}
            wanted = [id_ for id_ in deployed if f'{self.released.script(worker)}="{id_}"' in asked]
            answered[worker] = (wanted or sorted(deployed, key=lambda id_: deployed[id_]))[-1]
        told = ", ".join(f'{self.released.script(worker)}="{id_}"' for worker, id_ in answered.items())
        release = next(name for (_, name), id_ in self.released.ids.items() if id_ == answered["web"])
        bad = release in self.broken and request.url.path != HEALTH
        return httpx.Response(500 if bad else 200, text="down" if bad else "ferry", headers={VERSIONS: told})

    def _counted(self, dataset: str, minute: int) -> Sequence[Counted]:
        if dataset != "workersInvocationsAdaptive":
            return ()
        found = []
        for worker in ("web", "clerk"):
            for name, share in self.released.live(worker).items():
                dimensions = {
                    "scriptName": self.released.script(worker),
                    "scriptVersion": self.released.ids[worker, name],
                    "status": "success",
                }
                times = int(self.requests * share / 100)
                sums = {"requests": times, "errors": 0, "clientDisconnects": 0}
                if times:
                    found.append(Counted(minute * 60, dimensions, times, sums, {"wallTime": [(9000, times)]}))
        return found

    def _git(self, *arguments: str) -> str:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid"]
        done = subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def _write_checkout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        root = self.root
        for folder in ("policies", "docs/ops", "identities", MIGRATIONS):
            (root / folder).mkdir(parents=True)
        work_in(monkeypatch, root)
        monkeypatch.setenv("BULKHEAD_CACHE", str(root.parent / "cache"))
        (root / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n")
        (root / "Pulumi.yaml").write_text("name: bulkhead\nruntime: python\n")
        (root / waivers.PATH).write_text("waivers: []\n")
        for worker in FERRY.workers:
            (root / worker.bundle).write_text(f"export default {{}}; // {worker.name}\n")
        (root / MIGRATIONS / "0001_people.sql").write_text("CREATE TABLE people (id INTEGER PRIMARY KEY);\n")
        write_stage_files(root, [self.stage])
        store_secrets(root, self.stage, FERRY, {"bulkhead:product": NAME})
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit("the first")

    def _stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", f"{self.pulumi.bin}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setenv(KEY_ID, "an-id")
        monkeypatch.setenv(KEY_SECRET, "a-key-that-opens-the-stage")
        for name in ("SLACK_WEBHOOK", "GITHUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        place = SourceLocation("worker/web.ts", 1, 1)
        facts = {w.name: Facts(tuple(Use(each.name, place) for each in w.bindings)) for w in FERRY.workers}
        monkeypatch.setattr("bulkhead.analysis.code.reader.read", lambda *_: facts)
        monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: lambda service: self.s3)
        desk = "bulkhead.delivery.desk"
        monkeypatch.setattr(f"{desk}.Rest", partial(Rest, transport=self.api.transport()))
        front = partial(Prober, transport=httpx.MockTransport(self._answer), sleep=lambda _seconds: None)
        monkeypatch.setattr(f"{desk}.Prober", front)
        monkeypatch.setattr(f"{desk}.Signals", partial(Signals, clock=lambda: self.minute * 60.0))
        monkeypatch.setattr(f"{desk}.twins.publish", self._publish)
        monkeypatch.setattr(f"{desk}.now.take", self._back_up)
        monkeypatch.setattr(Clock, "minute", lambda _clock: self.minute)
        monkeypatch.setattr(Clock, "wait", self._wait)
        up = StackCli.up

        def upped(stack: StackCli, *arguments: Any) -> None:
            up(stack, *arguments)
            self._upped()

        monkeypatch.setattr(StackCli, "up", upped)

    def _back_up(self, place: Place, database: D1, logical: str, token: str, now: Callable[[], datetime]) -> Taken:
        assert token == TOKEN
        assert database.name == self.settings.label("harbor").name(Kind.D1, logical)
        self.backed_up.append(logical)
        manifest: Any = None  # nobody reads it here
        return Taken(Backup(now(), logical, self.settings.stage, Tier.DAILY), manifest)

    def _publish(self, *_: Any) -> None:
        self.published += 1

    def _wait(self, _seconds: float) -> None:
        self.minute += 1
