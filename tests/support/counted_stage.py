"""A stage of which a test says what was counted, and an API in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.repeats import Patience
from bulkhead.clients.rest import Rest
from bulkhead.delivery.signals import Signals
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.cloudflare.counted import Counted
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.resources import types as t
from tests.support.cloudflare_api import ACCOUNT, PRODUCTION, STAGING, TOKEN, ZONE, Api, open_api

NOON = 1_800_014_400  # 2027-01-15, 12:00:00
MINUTE = NOON // 60


class CountedStage:
    """``now`` is the time of the API and of whoever asks it. A Worker makes the environment known."""

    def __init__(self, folder: Path, *tenants: Tenant) -> None:
        self.now = float(NOON + 60 + 300)
        self.rows: dict[str, list[Counted]] = {}
        known = tenants or (STAGING, PRODUCTION)
        self.api: Api = open_api(folder, *known, stage=lambda _environment: self, clock=lambda: self.now)
        inputs = {"accountId": ACCOUNT, "name": "web"}
        self.api.resources.create(Caller("staging", "cloudflare", {}), t.WORKER, "", inputs)

    def counted(self, dataset: str, first: float, last: float) -> list[Counted]:
        return [row for row in self.rows.get(dataset, []) if first <= row.at <= last]

    def invoked(
        self, version: str, times: int, status: str = "success", *, at: int = NOON, script: str = "web", ms: int = 10
    ) -> None:
        dimensions = {"scriptName": script, "scriptVersion": version, "status": status}
        errors = times if status == "scriptThrewException" else 0
        sums = {"requests": times, "errors": errors, "clientDisconnects": 0}
        row = Counted(at, dimensions, times, sums, {"wallTime": [(ms * 1000, times)]})
        self.rows.setdefault("workersInvocationsAdaptive", []).append(row)

    def replied(self, host: str, status: int, times: int, *, at: int = NOON, source: str = "eyeball") -> None:
        dimensions: dict[str, Any] = {
            "clientRequestHTTPHost": host,
            "clientRequestHTTPMethodName": "GET",
            "edgeResponseStatus": status,
            "requestSource": source,
        }
        row = Counted(at, dimensions, times, {}, {"edgeTimeToFirstByteMs": [(20, times)]})
        self.rows.setdefault("httpRequestsAdaptiveGroups", []).append(row)

    def ask(self, query: str, token: str = TOKEN, **variables: Any) -> Any:
        """Return what a query gets, whole."""
        return self.api.call("POST", "/graphql", {"query": query, "variables": variables}, token)[1]

    @contextmanager
    def signals(self, token: str = TOKEN, **more: Any) -> Iterator[Signals]:
        patience = Patience(lambda _seconds: None, lambda: self.now)
        with Rest(CLOUDFLARE, token, self.api.transport(), patience) as rest:
            yield Signals(rest, ACCOUNT, ZONE, clock=lambda: self.now, **more)

    def close(self) -> None:
        self.api.journal.close()
        self.api.resources.store.close()
