"""A stage's engine, Cloudflare and AWS made of memory, with the signatures of the real ones. Whatever they hold or say
can be changed by a test."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from botocore.exceptions import ClientError

from bulkhead.delivery.answers import OVERRIDES
from bulkhead.engine.events import PolicySpoke, ResourceStarted
from bulkhead.engine.inline_stack import InlineStack, StackFailed
from bulkhead.engine.results import Result
from bulkhead.engine.workspace import Workspace
from bulkhead.localclouds.cloudflare.client import Egress, StageCloud
from bulkhead.localclouds.cloudflare.counted import Counted
from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.localclouds.providers.store import Record
from bulkhead.machine.rundir import RunDir
from bulkhead.model.failures import Failed
from bulkhead.model.product import Place
from infra.product import PRODUCT
from tests.support.memory_delivery import MemoryReleases

Trace = tuple[Place, str]
# How the engine marks a secret in a state (pulumi/pulumi, sdk/go/common/resource/properties.go).
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"


class MemoryCloud(StageCloud):
    """A stage's Cloudflare. Workers go by physical name; ``writes`` is where what is written really ends up."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Failed] = {}
        self.env: dict[str, list[str]] = {}
        self.routes: dict[str, list[str]] = {}
        self.key: dict[str, str] = {}
        """The headers that get past the login; without any there is no login."""
        self.rooms: dict[Trace, list[str]] = {}
        self.writes: dict[Trace, list[str]] = {}
        self.known_as: dict[str, Trace] = {}
        self.tried: list[Egress] = []
        self.releases: MemoryReleases | None = None
        """Which versions answer; without any, nobody counts who did."""

    def add(self, trace: Trace, known_as: str) -> None:
        self.rooms[trace] = self.writes[trace] = []
        self.known_as[known_as] = trace

    def call(self, operation: str, **given: Any) -> Any:
        assert operation == "state", operation
        workers = [{"name": name, "routes": self.routes.get(name, []), "classes": []} for name in self.answers]
        return {"workers": workers, "stores": {"all": list(self.known_as)}}

    def fetch(
        self,
        worker: str,
        path: str,
        *,
        method: str = "GET",
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        host: str = "rehearsal.test",
    ) -> Answer:
        answer = self.answers.get(worker) or Failed(f"fetch: no Worker {worker} is deployed")
        if isinstance(answer, Failed):
            raise answer
        for journey in PRODUCT.journeys if method == "POST" else ():
            if journey.path == path:
                for trace in journey.leaves:
                    self.writes[trace].append(str(json))
        return answer

    def visit(
        self,
        hostname: str,
        path: str,
        *,
        method: str = "GET",
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        if self.key and not self.key.items() <= dict(headers or {}).items():
            login = f"https://team.cloudflareaccess.com/cdn-cgi/access/login/{hostname}"
            return Answer(302, {"location": login}, b"")
        worker = next(name for name, routes in self.routes.items() if f"{hostname}/*" in routes)
        chosen = dict(headers or {}).get(OVERRIDES, "")
        if self.releases and not self.releases.visited(worker, path if method == "POST" else "", chosen):
            return Answer(500, {}, b"")
        return self.fetch(worker, path, method=method, json=json)

    def scheduled(self, worker: str, cron: str, *, at: int | None = None) -> str:
        assert self.releases
        self.releases.called(worker)
        return "ok"

    def counted(self, dataset: str, first: float, last: float) -> list[Counted]:
        assert self.releases
        return self.releases.counted(first, last)

    def env_keys(self, worker: str) -> list[str]:
        return self.env[worker]

    def egress(self) -> list[Egress]:
        return self.tried

    def d1_query(self, database: str, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        self.writes[self.known_as[database]].extend(params)
        return []

    def kv_put(self, namespace: str, key: str, value: str, *, seconds: int | None = None) -> None:
        self.writes[self.known_as[namespace]].append(value)

    def r2_put(self, bucket: str, key: str, value: bytes | str) -> None:
        self.writes[self.known_as[bucket]].append(str(value))

    def d1_text(self, database: str) -> str:
        return self._text(self.known_as[database])

    def kv_text(self, namespace: str) -> str:
        return self._text(self.known_as[namespace])

    def r2_text(self, bucket: str) -> str:
        return self._text(self.known_as[bucket])

    def objects_text(self, worker: str, class_name: str) -> str:
        return self._text(self.known_as[f"{worker}-{class_name}"])

    def _text(self, trace: Trace) -> str:
        return "\n".join(self.rooms[trace])

    def clear(self) -> None:
        for part in (self.answers, self.env, self.routes, self.rooms, self.writes, self.known_as):
            part.clear()


class MemoryStack(InlineStack):
    """A stage's stack. ``changes`` is what an operation reports beside what stayed the same; ``afterwards`` happens
    when the stage has been destroyed, or its destruction was refused."""

    def __init__(
        self, workspace: Workspace, run: RunDir, records: Callable[[], list[Record]], exported: dict[str, Any]
    ) -> None:
        self.name = workspace.stack
        self.canaries = workspace.canaries
        self.workspace = workspace
        self.twin = MemoryTwin(self)
        self.exported = exported
        self.changes: dict[str, dict[str, int]] = {}
        self.refusal: str | None = None
        self.refusals: dict[bool, str | None] = {}  # with (True) or without skipping the preview, where it differs
        self.destroyed: list[bool] = []
        self.before: list[Callable[[], object]] = []
        self.afterwards: list[Callable[[], object]] = []
        self.left: list[dict[str, Any]] = []
        self.kept: dict[str, str] = {}
        self.gone = False
        self.advice: list[PolicySpoke] = []
        self.broken_rules: list[str] = []
        self.packs = ["bulkhead"]
        self._run = run
        self._records = records
        self._on_event = lambda _: None

    def up(
        self,
        *,
        policy_packs: Sequence[Path] = (),
        expect_no_changes: bool = False,
        refresh: bool = False,
        left: Iterable[str] = (),
    ) -> Result:
        return self._result("up")

    def preview(
        self, *, policy_packs: Sequence[Path] = (), policy_configs: Sequence[Path] = (), refresh: bool = False
    ) -> Result:
        if self.broken_rules:
            raise StackFailed(f"{self.name}: preview failed.", self.broken_rules)
        packs = self.packs if any(pack.name == "policies" for pack in policy_packs) else []
        return replace(self._result("preview"), policies=tuple(self.advice), packs=tuple(packs))

    def refresh(self, *, preview_only: bool = False) -> Result:
        return self._result("refresh")

    def destroy(self, *, skip_preview: bool = True) -> Result:
        self.destroyed.append(skip_preview)
        refusal = self.refusals.get(skip_preview, self.refusal)
        if refusal is None:
            for effect in self.before:
                effect()
            self.gone = True
        for effect in self.afterwards:
            effect()
        if refusal is not None:
            raise StackFailed(f"{self.name}: destroy failed.", [refusal])
        return self._result("destroy")

    def outputs(self) -> dict[str, Any]:
        return self.exported

    def keep_secret(self, name: str, value: str) -> None:
        self.kept[name] = value

    def state_text(self) -> str:
        return ""

    def resources(self) -> list[dict[str, Any]]:
        if self.gone:
            return self.left
        held = [{"urn": r.urn, "type": r.type, "id": r.id, "inputs": r.inputs, "custom": True} for r in self._records()]
        provider = {"urn": f"urn:{self.name}:provider", "type": "pulumi:providers:aws", "custom": True}
        return [{"urn": f"urn:{self.name}", "type": "pulumi:pulumi:Stack", "outputs": self.exported}, provider, *held]

    def export(self) -> dict[str, Any]:
        held = [{"urn": r.urn, "type": r.type, "id": r.id, "inputs": self._sealed(r.inputs)} for r in self._records()]
        return {"version": 3, "deployment": {"manifest": {"version": "v3.250.0"}, "resources": held}}

    def elsewhere(
        self,
        part: str,
        workspace: Workspace,
        backend: Path,
        passphrase: str,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> InlineStack:
        assert part.endswith("twin")
        assert passphrase != self._run.passphrase
        self.twin.workspace = workspace
        return self.twin

    def _sealed(self, value: Any) -> Any:
        """Return a value as the engine writes it down: a secret is encrypted, and marked as one."""
        if isinstance(value, Mapping):
            return {name: self._sealed(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._sealed(part) for part in value]
        return {SIGNATURE: SECRET, "ciphertext": "v1:..."} if value in self.canaries.values() else value

    def _result(self, operation: str) -> Result:
        changes = {"same": len(self.resources())} | self.changes.get(operation, {})
        return Result(self.name, operation, 0.0, changes, (), (), (), {}, Path("no.log"))


class MemoryTwin(InlineStack):
    """A stack on its twin. It sees that the stage's account was moved, unless it is ``blind``; ``changes`` is what it
    reports beside what stayed the same, ``writes`` goes to its log, and ``refusal`` is why it stops instead."""

    def __init__(self, original: MemoryStack) -> None:
        self.name = original.name
        self.workspace = original.workspace
        self.original = original
        self.changes: dict[str, int] = {}
        self.writes = ""
        self.blind = False
        self.refusal: str | None = None
        self._on_event = lambda _: None

    def preview(
        self, *, policy_packs: Sequence[Path] = (), policy_configs: Sequence[Path] = (), refresh: bool = False
    ) -> Result:
        log = self.original._run.logs / f"{self.name}-{self.workspace.path.parent.name}-twin-preview.log"
        for path in (log, log.with_suffix(".events")):
            path.write_text(self.writes)
        changes = {"same": len(self.original.resources())} | self.changes
        settings = json.loads((self.workspace.path / f"Pulumi.{self.name}.yaml").read_text())["config"]
        if "bulkhead:cloudflare" not in settings or self.blind:
            return Result(self.name, "twin-preview", 0.0, changes, (), (), (), {}, log)
        if self.refusal:
            raise StackFailed(f"{self.name}: twin-preview failed.", [self.refusal])
        assert settings["bulkhead:cloudflare"]["accountId"] == "0" * 32
        urn = f"urn:pulumi:{self.name}::harbor::cloudflare:index/d1Database:D1Database::d1-main"
        step = ResourceStarted(self.name, "replace", "cloudflare:index/d1Database:D1Database", "d1-main", urn)
        return Result(self.name, "twin-preview", 0.0, {"replace": 1}, (step,), (), (), {}, log)


class MemoryS3:
    """One bucket that locks what is put into it; ``lock`` None locks nothing, ``refusal`` is how a lock is kept,
    ``bypassed`` and ``shortened`` are ways around it, ``loses`` makes what is in it vanish all the same, and
    ``copies`` False copies nothing to the other region."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.lock: str | None = "GOVERNANCE"
        self.refusal: str | None = "AccessDenied"
        self.loses = self.bypassed = self.shortened = False
        self.copies = True
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803 - as in boto3
        if Bucket != self.bucket:
            raise ClientError({"Error": {"Code": "NoSuchBucket"}}, "PutObject")
        self.objects[Key] = Body
        return {"VersionId": "1"}

    def head_object(self, *, Bucket: str, **_: str) -> dict[str, Any]:  # noqa: N803
        if Bucket != self.bucket and not self.copies:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        until = datetime(2031, 1, 1, tzinfo=UTC)
        return {"ObjectLockMode": self.lock, "ObjectLockRetainUntilDate": until} if self.lock else {}

    def put_object_retention(self, **_: Any) -> None:
        if not self.shortened:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObjectRetention")

    def get_object(self, *, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(b"" if self.loses else self.objects[Key])}

    def delete_object(self, *, Key: str, BypassGovernanceRetention: bool = False, **_: str) -> None:  # noqa: N803
        if self.lock and self.refusal and not (self.bypassed and BypassGovernanceRetention):
            raise ClientError({"Error": {"Code": self.refusal}}, "DeleteObject")
        del self.objects[Key]
