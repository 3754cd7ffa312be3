"""One stage, from its stores to its alarms: read once, downward. Who may touch it is another stack: identities/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from bulkhead.model.alarms import alarms_of, read_alarms
from bulkhead.model.bundles import read_bundles
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.model.uploads import OUTPUT
from infra.components.alarms import Alarms, AlarmsArgs
from infra.components.budget import StageBudget, StageBudgetArgs
from infra.components.job_secrets import JobSecrets, JobSecretsArgs
from infra.components.jobs import ScheduledJobs, ScheduledJobsArgs
from infra.components.stores import DataStores, DataStoresArgs
from infra.components.vault import BackupVault, BackupVaultArgs
from infra.components.workers import Workers, WorkersArgs
from infra.manifest import Parts, make_manifest
from infra.providers import Providers, make_providers
from infra.uploads import SEALS


@dataclass(frozen=True, slots=True)
class StageOutputs:
    """The outputs of a stage. ``urls`` are by public Worker; ``manifest`` is described in infra.manifest, ``uploads``
    in bulkhead.model.uploads; ``seals`` are secret, and only for the next `up`."""

    stage: str
    urls: Mapping[str, str]
    manifest: Mapping[str, Any]
    uploads: Mapping[str, Any]
    seals: Mapping[str, pulumi.Output[str]]

    def export(self) -> None:
        """Export them from the stack."""
        pulumi.export("stage", self.stage)
        pulumi.export("urls", self.urls)
        pulumi.export("manifest", self.manifest)
        pulumi.export(OUTPUT, self.uploads)
        if self.seals:
            pulumi.export(SEALS, pulumi.Output.secret(self.seals))


def deploy(product: Product, settings: StageSettings, secrets: Mapping[str, pulumi.Output[str]]) -> StageOutputs:
    """Declare every resource of one stage. Raises Refused when the product's Workers have not been built, or the
    catalogue of alarms cannot be used."""
    # Providers do not mark a Worker's bindings as secret, so every caller must pass secret values.
    secrets = {name: pulumi.Output[str].secret(value) for name, value in secrets.items()}
    bundles = read_bundles(product)
    label = settings.label(product.name)
    hosts = product.hostnames(settings.cloudflare.hostname)
    urls = {worker: f"https://{hostname}" for worker, hostname in hosts.items()}
    providers = make_providers(label, settings, secrets)
    kept = _kept(providers, protected=settings.protected)

    stores = DataStores("stores", DataStoresArgs(label, settings, product, tuple(urls.values())), kept)
    workers = Workers("workers", WorkersArgs(label, settings, product, stores, secrets, bundles, hosts), kept)
    vault = BackupVault("vault", BackupVaultArgs(label, settings), kept) if settings.backup.full != "none" else None
    tasks = read_tasks()
    if vault and (jobs := jobs_of(settings, tasks)):
        ScheduledJobs("jobs", ScheduledJobsArgs(label, settings, product, jobs, stores, vault), kept)
    if any(secret.jobs for secret in product.secrets):
        JobSecrets("job-secrets", JobSecretsArgs(label, product, secrets), kept)
    budget = StageBudget("budget", StageBudgetArgs(label, settings), kept)
    if alarms := alarms_of(settings, product, read_alarms(), tasks):
        Alarms("alarms", AlarmsArgs(label, settings, alarms), kept)

    parts = Parts(label, settings, product, bundles, urls, stores, workers, vault, budget)
    return StageOutputs(label.stage.value, urls, make_manifest(parts), workers.uploads, workers.seals)


def _kept(providers: Providers, *, protected: bool) -> pulumi.ResourceOptions:
    """Return the options every component passes on to its children. In production nothing is deleted by mistake, the
    Workers in front of the stores included: protecting the stores alone would let a `destroy` take the site down and
    only then fail."""
    return pulumi.ResourceOptions(
        providers=[providers.cloudflare, providers.aws],
        protect=protected,
        retain_on_delete=protected,
    )
