"""What the clouds hold of a healthy stage, its names, secrets and manifest (pure): the smallest that every proof has
something to look at in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic.alias_generators import to_camel

from bulkhead.localclouds.api.journal import Entry
from bulkhead.localclouds.providers.store import Record
from bulkhead.model.identities import TOKEN_MAKER
from bulkhead.model.identities import required_secrets as identity_secrets
from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import STAGE_VARIABLES, Worker
from bulkhead.model.roles import Role
from bulkhead.model.settings.keys import required_secrets
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.tasks import jobs_of, read_tasks
from identities.cloudflare import holders, token_policies
from infra.product import PRODUCT
from tests.support.settings_fixture import make_settings

WORKER: Final = "cloudflare:index/worker:Worker"
VERSION: Final = "cloudflare:index/workerVersion:WorkerVersion"
DATABASE: Final = "cloudflare:index/d1Database:D1Database"
NAMESPACE: Final = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
BUCKET: Final = "cloudflare:index/r2Bucket:R2Bucket"
DOMAIN: Final = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"
VARIABLE: Final = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
TOKEN: Final = "cloudflare:index/accountToken:AccountToken"
VAULT: Final = "aws:s3/bucket:Bucket"
BUDGET: Final = "aws:budgets/budget:Budget"


@cache
def settings_of(environment: str) -> StageSettings:
    return make_settings(environment)


def canaries_of(environment: str) -> dict[str, str]:
    names = {*required_secrets(PRODUCT), *identity_secrets(PRODUCT)}
    return {name: f"canary-{environment}-{name}-f00d" for name in sorted(names)}


def label_of(settings: StageSettings) -> Label:
    return settings.label(PRODUCT.name)


def manifest_of(settings: StageSettings) -> dict[str, Any]:
    urls = {w.name: f"https://{settings.cloudflare.hostname}" if w.host else None for w in PRODUCT.workers}
    return {
        "environment": settings.environment,
        "stage": settings.stage.value,
        "workers": {
            name: {"name": label_of(settings).name(Kind.WORKER, name), "url": url} for name, url in urls.items()
        },
    }


class _References:
    """Where a stage's bindings point."""

    def __init__(self, settings: StageSettings, canaries: Mapping[str, str]) -> None:
        self._label = label_of(settings)
        self._canaries = canaries

    def database_id(self, database: str) -> str:
        return f"id-{self._label.name(Kind.D1, database)}"

    def namespace_id(self, namespace: str) -> str:
        return f"id-{self._label.name(Kind.KV, namespace)}"

    def bucket_name(self, bucket: str) -> str:
        return self._label.name(Kind.R2, bucket)

    def queue_name(self, queue: str) -> str:
        return self._label.name(Kind.QUEUE, queue)

    def worker_name(self, worker: str) -> str:
        return self._label.name(Kind.WORKER, worker)

    def dataset_name(self, dataset: str) -> str:
        return self._label.name(Kind.DATASET, dataset)

    def secret(self, secret: str) -> str:
        return self._canaries[secret]


_LOGIN = ((TOKEN_MAKER, "POST", "/access/apps"), (TOKEN_MAKER, "POST", "/access/service_tokens"))


def calls_of(environment: str) -> list[Entry]:
    """Return what was asked of the stage's Cloudflare when it was brought up."""
    settings = settings_of(environment)
    account, deploy = settings.cloudflare.account_id, label_of(settings).name(Kind.TOKEN, Role.DEPLOY, "a")
    return [
        Entry(
            "cloudflare", method, f"/accounts/{{account_id}}{route}", f"/client/v4/accounts/{account}{route}", 200, who
        )
        for who, method, route in (
            (TOKEN_MAKER, "POST", "/tokens"),
            *(() if settings.access.public else _LOGIN),
            (deploy, "POST", "/d1/database"),
            (deploy, "POST", "/storage/kv/namespaces"),
            (deploy, "GET", "/r2/buckets"),
            (deploy, "POST", "/r2/buckets"),
            (deploy, "POST", "/queues"),
            (deploy, "POST", "/workers/workers"),
        )
    ]


@cache
def records_of(environment: str) -> tuple[Record, ...]:
    settings, canaries = settings_of(environment), canaries_of(environment)
    label = label_of(settings)
    made: list[Record] = []

    def make(type_: str, id_: str, **inputs: Any) -> None:
        urn = f"urn:pulumi:{environment}::{PRODUCT.name}::{type_}::{len(made)}"
        made.append(Record(type_, id_, environment, "account", urn, inputs, inputs))

    for database in PRODUCT.databases:
        name = label.name(Kind.D1, database.name)
        make(DATABASE, f"id-{name}", name=name)
    for namespace in PRODUCT.namespaces:
        name = label.name(Kind.KV, namespace.name)
        make(NAMESPACE, f"id-{name}", title=name)
    for bucket in PRODUCT.buckets:
        name = label.name(Kind.R2, bucket.name)
        make(BUCKET, name, name=name)
    for worker in PRODUCT.workers:
        name = label.name(Kind.WORKER, worker.name)
        make(WORKER, f"id-{name}", name=name)
        bindings = _bindings(worker, _References(settings, canaries))
        make(VERSION, f"version-of-{name}", workerId=f"id-{name}", bindings=bindings)
        if worker.host:
            make(DOMAIN, f"domain-of-{name}", hostname=settings.cloudflare.hostname, service=name)
    for holder in holders(jobs_of(settings, read_tasks())):
        if policies := [policy.as_json() for policy in token_policies(holder, PRODUCT, label, settings)]:
            name = label.name(Kind.TOKEN, holder, "a")
            make(TOKEN, f"id-{name}", name=name, policies=policies, value=f"value-of-{name}")
    make(VARIABLE, f"harbor:{environment}:STAGE", repository="harbor", variableName="STAGE", value=environment)
    vault = label.name(Kind.VAULT, settings.aws.account_id)
    make(VAULT, vault, bucket=vault, arn=f"arn:aws:s3:::{vault}")
    make(BUDGET, f"budget-of-{environment}", subscribers=list(settings.budget.finance))
    return tuple(made)


def _bindings(worker: Worker, references: _References) -> list[dict[str, Any]]:
    plain = [{"type": "plain_text", "name": name, "text": "..."} for name in STAGE_VARIABLES]
    wired = [binding.wire(references) for binding in worker.bindings]
    return plain + [{to_camel(key): value for key, value in wire.items()} for wire in wired]
