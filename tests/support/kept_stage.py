"""A stage at the local Cloudflare that has all that maintenance takes: hostnames, an address, crons, queues."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.objects import Objects
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.product import Product, Queue, Worker
from bulkhead.model.roles import Role
from bulkhead.model.settings import StageSettings
from bulkhead.operations.maintenance.switch import Maintenance
from identities.cloudflare import token_policies
from tests.localclouds.cloudflare.api.workers import HELLO, version
from tests.support.cloudflare_api import TOKEN, Api, open_api
from tests.support.memory_s3 import MemoryS3
from tests.support.settings_fixture import make_settings

PRODUCT = Product(
    "harbor",
    (
        Worker("web", "web.js", host="@"),
        Worker("admin", "admin.js", host="admin"),
        Worker("clerk", "clerk.js", crons=("*/15 * * * *",)),
    ),
    queues=(Queue("events", consumer="clerk", dead_letter="failed"), Queue("failed")),
)
SETTINGS = make_settings("staging")
ACCOUNT = f"/accounts/{SETTINGS.cloudflare.account_id}"
ROUTES = f"/zones/{SETTINGS.cloudflare.zone_id}/workers/routes"
HOST = "staging.harbor.example"
WORKER = "harbor-staging-worker-{}"
MAINTENANCE = WORKER.format("maintenance")
OF_THE_ROLE = "token-of-the-role"
"""The token of the stage's role `deploy`, which may do what that role may."""
CRONS = ["*/15 * * * *", "0 1 * * *"]


@dataclass
class KeptStage:
    """``bucket`` keeps the record."""

    api: Api
    bucket: MemoryS3 = field(default_factory=MemoryS3)

    def maintenance(
        self,
        settings: StageSettings = SETTINGS,
        product: Product = PRODUCT,
        client: Rest | None = None,
        **more: Any,
    ) -> Maintenance:
        """Return what a process would switch with."""
        client = client or Rest(CLOUDFLARE, TOKEN, self.api.transport())
        objects = Objects(self.bucket, "harbor-staging-state-222222222222")  # type: ignore[arg-type]
        return Maintenance(client, settings, product, objects, **{"require": lambda: None, "pause": _never} | more)

    def seen(self) -> dict[str, Any]:
        """Return all of the stage that maintenance could take."""
        scripts = [WORKER.format(each.name) for each in PRODUCT.workers]
        path = f"{ACCOUNT}/workers/scripts"
        queues = self.api.result("GET", f"{ACCOUNT}/queues")
        return {
            "routes": {each["pattern"]: each.get("script") for each in self.api.result("GET", ROUTES)},
            "addresses": {each: self.api.result("GET", f"{path}/{each}/subdomain") for each in scripts},
            "crons": {each: self.crons(each) for each in scripts},
            "queues": {each["queue_name"]: bool(each["settings"].get("delivery_paused")) for each in queues},
        }

    def upload(self, worker: str, code: str) -> None:
        """Deploy code of a Worker."""
        path = f"{ACCOUNT}/workers/workers/{WORKER.format(worker)}/versions?deploy=true"
        self.api.result("POST", path, version(code))

    def crons(self, script: str) -> list[str]:
        return [each["cron"] for each in self.api.result("GET", self._schedules(script))["schedules"]]

    def schedule(self, script: str, *crons: str) -> None:
        self.api.result("PUT", self._schedules(script), [{"cron": each} for each in crons])

    def _schedules(self, script: str) -> str:
        return f"{ACCOUNT}/workers/scripts/{script}/schedules"


def kept_stage(
    folder: Path, code: str = HELLO, running: LocalCloudflare | None = None, zone: str = "harbor.example"
) -> KeptStage:
    """Return a stage as a deployment leaves it, but that somebody has given its clerk another cron by hand. All its
    Workers have the same code."""
    label = SETTINGS.label(PRODUCT.name)
    tenant = Tenant(
        "staging",
        SETTINGS.cloudflare.account_id,
        {SETTINGS.cloudflare.zone_id: zone},
        "acme/harbor",
        {"cloudflare": {TOKEN: "operator", OF_THE_ROLE: "deploy"}},
        {"deploy": [each.as_json() for each in token_policies(Role.DEPLOY, PRODUCT, label, SETTINGS)]},
    )
    api = open_api(folder, tenant, running=running)
    stage = KeptStage(api)
    for worker in PRODUCT.workers:
        api.result("POST", f"{ACCOUNT}/workers/workers", {"name": WORKER.format(worker.name)})
        stage.upload(worker.name, code)
    hosts = {"web": f"staging.{zone}", "admin": f"admin.staging.{zone}"}
    for name, hostname in hosts.items():
        body = {"hostname": hostname, "service": WORKER.format(name), "zone_id": SETTINGS.cloudflare.zone_id}
        api.result("PUT", f"{ACCOUNT}/workers/domains", body)
    on = {"enabled": True, "previews_enabled": True}
    api.result("POST", f"{ACCOUNT}/workers/scripts/{WORKER.format('web')}/subdomain", on)
    for queue in PRODUCT.queues:
        api.result("POST", f"{ACCOUNT}/queues", {"queue_name": f"harbor-staging-queue-{queue.name}"})
    stage.schedule(WORKER.format("clerk"), *CRONS)
    return stage


def _never(seconds: float) -> None:
    raise AssertionError(f"nobody waits here, and {seconds} s were asked for")
