"""The local Cloudflare's API over recorded resources: no socket, no engine, and no Miniflare unless it is given one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from bulkhead.localclouds.api import faults, seed
from bulkhead.localclouds.api.faults import FaultPlan, PlannedFault
from bulkhead.localclouds.api.journal import Journal
from bulkhead.localclouds.api.seed import Seed, Tenant
from bulkhead.localclouds.cloudflare.api.app import PREFIX, application
from bulkhead.localclouds.cloudflare.api.call import ANALYTICS_DELAY, Cloudflare
from bulkhead.localclouds.cloudflare.api.credentials import Credentials
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.handlers import handlers
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.store import Store
from tests.support.in_process import InProcess

ACCOUNT = "0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT = "f" * 32
ZONE = "a" * 32
TOKEN = "staging-token"
STAGING = Tenant("staging", ACCOUNT, {ZONE: "example.com"}, "acme/harbor", {"cloudflare": {TOKEN: "deploy"}})
PRODUCTION = Tenant("production", OTHER_ACCOUNT, {}, "acme/harbor", {"cloudflare": {"production-token": "deploy"}})


def _nothing_runs(environment: str) -> StageCloud:
    raise AssertionError(f"nothing of {environment} runs in this test")


@dataclass
class Api:
    """The API and what is behind it. Calls are made with staging's token unless another one is named."""

    app: ASGIApp
    resources: Resources
    journal: Journal
    folder: Path

    def fail(self, *planned: PlannedFault) -> None:
        """Let the next calls fail."""
        faults.plan(self.folder / "faults.json", planned)

    def call(
        self, method: str, path: str, body: Any = None, token: str = TOKEN, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and the envelope."""
        answer = self.answer(method, path, body, token, **headers)
        return answer.status_code, answer.json()

    def answer(self, method: str, path: str, body: Any = None, token: str = TOKEN, **headers: str) -> httpx.Response:
        spelt = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            spelt["Authorization"] = f"Bearer {token}"
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self._send(method, f"{PREFIX}{path}", content, spelt)

    def open(self, url: str, method: str = "GET", content: bytes | None = None) -> httpx.Response:
        """Ask a whole URL, without a token."""
        return self._send(method, url, content, {})

    def _send(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> httpx.Response:
        with httpx.Client(transport=self.transport(), base_url="http://local") as client:
            return client.request(method, path, content=content, headers=headers)

    def transport(self) -> httpx.BaseTransport:
        """Return what takes an ordinary client's requests here."""
        return InProcess(self.app)

    def result(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the result of a call that is served."""
        status, answer = self.call(method, path, body, **headers)
        assert answer["success"], answer
        assert status == 200
        return answer["result"]

    def refused(self, method: str, path: str, body: Any = None, token: str = TOKEN) -> tuple[int, list[int]]:
        """Return the status and the codes of a call that is refused."""
        status, answer = self.call(method, path, body, token)
        assert not answer["success"], answer
        assert answer["result"] is None
        return status, [error["code"] for error in answer["errors"]]


def open_api(
    folder: Path,
    *tenants: Tenant,
    stage: Any = _nothing_runs,
    running: LocalCloudflare | None = None,
    clock: Callable[[], float] = time.time,
    analytics_delay: float = ANALYTICS_DELAY,
) -> Api:
    """Return an API whose files are in ``folder``; what it makes is real in ``running``, if
    there is one, and else only recorded."""
    folder.mkdir(parents=True, exist_ok=True)
    seed.write(folder / "seed.json", list(tenants or (STAGING, PRODUCTION)))
    store, journal = Store(folder / "store.sqlite"), Journal(folder / "calls.sqlite")
    told: dict[str, Any] = {"clock": clock, "analytics_delay": analytics_delay}
    if running is None:
        known = Resources(Registry(), store)
        cloud = Cloudflare(known, stage, lambda name: Uploads(folder / name), **told)
    else:
        known = Resources(Registry(handlers(lambda _name: running)), store)
        cloud = Cloudflare(known, lambda _name: running.client, lambda _name: running.uploads, **told)
    credentials = Credentials(Seed(folder / "seed.json"), store)
    app = application(cloud, credentials, journal, FaultPlan(folder / "faults.json"))
    return Api(app, known, journal, folder)
