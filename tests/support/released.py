"""A stage whose Workers have had releases: a local Cloudflare without Miniflare, on a clock of the test's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bulkhead.clients.d1 import D1
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.providers import worker_state
from bulkhead.model.naming import Kind
from tests.localclouds.cloudflare.api.workers import version as upload
from tests.support.cloudflare_api import Api
from tests.support.settings_fixture import make_settings

_CODE = "export default {}"
BEGIN = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


@dataclass
class Released:
    """``ids`` are those of the versions, by Worker and release. Each release begins an hour after the one before."""

    api: Api
    rest: Rest
    account: str
    now: datetime = BEGIN
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    known: D1 | None = None
    stack: str = "staging"

    def keep_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(worker_state, "now", lambda: self.now.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    def script(self, worker: str) -> str:
        return make_settings(self.stack).label("harbor").name(Kind.WORKER, worker)

    def release(self, name: str, *workers: str, live: bool = True, code: str = _CODE, **more: Any) -> None:
        """Upload a version of each Worker and, where it is to be ``live``, let it answer everybody."""
        self.wait(60)
        for worker in workers:
            path, script = f"/accounts/{self.account}/workers/workers", self.script(worker)
            if self.rest.get(f"{path}/{script}") is None:
                self.rest.post(path, {"name": script})
            noted = {"workers/tag": hashlib.sha256(f"{worker}{name}".encode()).hexdigest()}
            noted["workers/message"] = f"release {name}" if name else "by hand"
            body = upload(code, *more.get("bindings", ()), annotations=noted, **_others(more))
            own = {"deploy": "true"} if "exports" in more else {}  # as everything that changes classes
            made = self.rest.post(f"{path}/{script}/versions", body, params=own) or {}
            self.ids[worker, name] = made["id"]
        for worker in workers if live and "exports" not in more else ():
            self.deploy(worker, {name: 100})

    def deploy(self, worker: str, shares: Mapping[str, float], message: str = "") -> None:
        """Divide a Worker's requests between its releases, as somebody does in the dashboard."""
        versions = [{"version_id": self.ids[worker, each], "percentage": share} for each, share in shares.items()]
        body = {"strategy": "percentage", "versions": versions, "annotations": {"workers/message": message}}
        self.rest.post(f"{self._path(worker)}/deployments", body, params={"force": "true"})

    def live(self, worker: str) -> dict[str, float]:
        """Return the shares of a Worker's releases."""
        answer = self.rest.get(f"{self._path(worker)}/deployments") or {}
        names = {id_: name for (of, name), id_ in self.ids.items() if of == worker}
        return {names[each["version_id"]]: each["percentage"] for each in answer["deployments"][0]["versions"]}

    def ordered(self) -> list[str]:
        """Return the scripts whose traffic was ordered to change so far, in that order, refused orders among them."""
        paths = (each.path for each in self.api.journal if each.method == "POST" and each.path.endswith("/deployments"))
        return [path.split("/")[-2] for path in paths]

    def database(self) -> D1:
        """Return the product's database, made where there is none."""
        if self.known is None:
            name = make_settings(self.stack).label("harbor").name(Kind.D1, "main")
            made = self.rest.post(f"/accounts/{self.account}/d1/database", {"name": name}) or {}
            self.known = D1(self.rest, self.account, made["uuid"], name)
        return self.known

    def _path(self, worker: str) -> str:
        return f"/accounts/{self.account}/workers/scripts/{self.script(worker)}"


def _others(more: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in more.items() if key != "bindings"}
