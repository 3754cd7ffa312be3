"""What each role may do in Cloudflare: the narrowest permission for each type of resource (pure).

Cloudflare has no identity federation for its API, so a pipeline holds a token; the tokens of a stage expire, and name
the stage's account, zone and buckets. What they cannot name is a single Worker, database, namespace or queue: those
permissions are for a whole account, so in an account that stages share a token of one reaches the other's (the
recommended set-up is an account of its own for production; `bulkhead access` says it otherwise).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.model.exports import exports_of
from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Product
from bulkhead.model.roles import HOLDERS, Holder, Role
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import Job
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.permissions import (
    ACCOUNT_TOKENS_WRITE,
    ANALYTICS_READ,
    CACHE_PURGE,
    D1_READ,
    D1_WRITE,
    KV_READ,
    OBJECTS_READ,
    ROUTES_WRITE,
    SCRIPTS_READ,
    SCRIPTS_WRITE,
    ZONE_ANALYTICS_READ,
    Permission,
    Reach,
)
from bulkhead.resources.token_policies import account_key, bucket_key, zone_key

LOGIN: Final = (t.ZERO_TRUST_ACCESS_APPLICATION, t.ZERO_TRUST_ACCESS_POLICY, t.ZERO_TRUST_ACCESS_SERVICE_TOKEN)
"""What the login before a closed stage consists of. No role makes it, so no pipeline can open its own stage."""
_DATABASES: Final = "/accounts/{account_id}/d1/database"
_DATABASE: Final = f"{_DATABASES}/{{database_id}}"
_NAMESPACE: Final = "/accounts/{account_id}/storage/kv/namespaces/{namespace_id}"
_CLASSES: Final = "/accounts/{account_id}/workers/durable_objects/namespaces"
_SCRIPT: Final = "/accounts/{account_id}/workers/scripts/{script_name}"
_ROUTES: Final = "/zones/{zone_id}/workers/routes"
_ROUTE: Final = f"{_ROUTES}/{{route_id}}"
_VERSION: Final = "/accounts/{account_id}/workers/workers/{worker_id}/versions/{version_id}"
_WATCHING: Final = "seeing what users meet in a new version"
_UNWATCHED: Final = "a rehearsal brings releases to one stage, and later"
_NOT_VALIDATED: Final = "a rehearsal does not validate"
_BY_HAND: Final = "what backs up and watches by hand is still to come"
_NO_JOBS: Final = "a rehearsal runs the jobs about databases alone"
_LATER: Final = "a rehearsal backs one stage up and restores it, and later"


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What a token may do on some resources: ids of permission groups, sorted, and the resources as JSON."""

    groups: tuple[str, ...]
    resources: str

    def as_json(self) -> dict[str, Any]:
        """Return the policy as Pulumi spells it."""
        return {
            "effect": "allow",
            "permissionGroups": [{"id": group} for group in self.groups],
            "resources": self.resources,
        }


@dataclass(frozen=True, slots=True)
class Need:
    """A permission that a role has, and what needs it: ``types`` of resources, or a task in words. A task has the
    ``calls`` that it makes, as "METHOD route" of Cloudflare's API, or of R2's S3 API. ``untried`` says why no call of
    a rehearsal shows that it is needed; ``sometimes`` one does, where it was kept after a release or a restore."""

    permission: Permission
    reason: str
    types: tuple[ResourceType, ...] = ()
    calls: tuple[str, ...] = ()
    untried: str = ""
    sometimes: bool = False


def holders(jobs: Sequence[Job]) -> tuple[Holder, ...]:
    """Return who may hold a token in a stage with these jobs."""
    held = {job.holder for job in jobs}
    return tuple(holder for holder in HOLDERS if isinstance(holder, Role) or holder in held)


def needs(holder: Holder, product: Product) -> tuple[Need, ...]:
    """Return the permissions of a token, each once, sorted by name. A preview has none, and so no token."""
    return tuple(sorted(_needs(holder, product), key=lambda need: need.permission.name))


def _needs(holder: Holder, product: Product) -> Iterator[Need]:
    match holder:
        case Role.DEPLOY:
            found: dict[Permission, list[ResourceType]] = defaultdict(list)
            for type_ in sorted(_types(product)):
                for permission in type_.needs:
                    found[permission].append(type_)
            for permission, types in found.items():
                yield Need(permission, ", ".join(type_.kind for type_ in types), tuple(types))
            yield Need(ANALYTICS_READ, _WATCHING, calls=("POST /graphql",), untried=_UNWATCHED, sometimes=True)
            if product.public_workers:
                yield Need(
                    ROUTES_WRITE,
                    "leading visitors to the Worker of a maintenance, and back",
                    calls=(f"GET {_ROUTES}", f"POST {_ROUTES}", f"PUT {_ROUTE}", f"DELETE {_ROUTE}"),
                    untried=_LATER,
                    sometimes=True,
                )
                yield Need(ZONE_ANALYTICS_READ, _WATCHING, calls=("POST /graphql",), untried=_UNWATCHED, sometimes=True)
                yield Need(
                    CACHE_PURGE,
                    "clearing what is cached of the release before",
                    calls=("POST /zones/{zone_id}/purge_cache",),
                    untried=_UNWATCHED,
                    sometimes=True,
                )
        case Role.ROLLBACK:
            yield Need(
                SCRIPTS_WRITE,
                "deploying a version that is there already; nothing narrower exists, and this also uploads and deletes",
                calls=(
                    f"GET {_SCRIPT}/deployments",
                    f"GET {_SCRIPT}/versions",
                    f"GET {_VERSION}",
                    f"POST {_SCRIPT}/deployments",
                ),
                untried="a rehearsal does not roll back",
            )
        case Role.OPERATIONS:
            yield Need(
                SCRIPTS_READ,
                "seeing, after a deployment, that each Worker answers and has a version to go back to",
                calls=(f"GET {_SCRIPT}/deployments", f"GET {_SCRIPT}/versions"),
                untried=_NOT_VALIDATED,
            )
            yield Need(ANALYTICS_READ, "watching errors, load and cost", calls=("POST /graphql",), untried=_BY_HAND)
            if product.databases:
                yield Need(
                    D1_READ,
                    "backing databases up, and seeing which migrations they have had",
                    calls=(f"POST {_DATABASE}/export", f"GET {_DATABASES}", f"POST {_DATABASE}/query"),
                    untried=_BY_HAND,
                )
            if product.namespaces:
                calls = (f"GET {_NAMESPACE}/keys", f"GET {_NAMESPACE}/values/{{key_name}}")
                yield Need(KV_READ, "backing namespaces up", calls=calls, untried=_BY_HAND)
            if product.buckets:
                calls = ("S3 ListObjectsV2", "S3 GetObject")
                yield Need(OBJECTS_READ, "backing buckets up", calls=calls, untried=_BY_HAND)
        case "jobs":
            yield from _of_jobs(product)
        case "drill":
            yield from _of_drills(product)


def _of_jobs(product: Product) -> Iterator[Need]:
    if product.databases:
        yield Need(
            D1_READ,
            "backing databases up, and noting points to go back to",
            calls=(f"GET {_DATABASE}/time_travel/bookmark", f"POST {_DATABASE}/query"),
            untried=_LATER,
            sometimes=True,
        )
    if product.namespaces:
        of_values = (f"GET {_NAMESPACE}/keys", f"POST {_NAMESPACE}/bulk/get")
        yield Need(KV_READ, "backing namespaces up", calls=of_values, untried=_NO_JOBS)
    if product.buckets:
        of_objects = ("S3 ListObjectsV2", "S3 HeadObject", "S3 GetObject")
        yield Need(OBJECTS_READ, "mirroring buckets", calls=of_objects, untried=_NO_JOBS)
    if exports_of(product):
        calls = (f"GET {_CLASSES}", f"GET {_CLASSES}/{{id}}/objects")
        yield Need(SCRIPTS_READ, "listing the objects that the product exports", calls=calls, untried=_NO_JOBS)


def _of_drills(product: Product) -> Iterator[Need]:
    if product.databases:
        yield Need(
            D1_WRITE,
            "restoring a backup into a database that is made for it, damaging that one, and removing it",
            calls=(
                f"GET {_DATABASES}",
                f"POST {_DATABASES}",
                f"POST {_DATABASE}/import",
                f"POST {_DATABASE}/query",
                f"GET {_DATABASE}/time_travel/bookmark",
                f"POST {_DATABASE}/time_travel/restore",
                f"DELETE {_DATABASE}",
            ),
            untried=_NO_JOBS,
        )


def _types(product: Product) -> Iterator[ResourceType]:
    """Yield the types that a stage of ``product`` consists of; a token is no wider than its product."""
    made_for: Mapping[ResourceType, object] = {
        t.D1_DATABASE: product.databases,
        t.QUEUE: product.queues,
        t.QUEUE_CONSUMER: any(each.consumer for each in product.queues),
        t.R2_BUCKET: product.buckets,
        t.R2_BUCKET_CORS: any(each.browser_access for each in product.buckets),
        t.R2_BUCKET_LIFECYCLE: product.buckets,
        t.R2_BUCKET_LOCK: any(each.evidence_days is not None for each in product.buckets),
        t.R2_MANAGED_DOMAIN: product.buckets,
        t.WORKER: product.workers,
        t.WORKER_VERSION: product.workers,
        t.WORKERS_CRON_TRIGGER: any(each.crons is not None for each in product.workers),
        t.WORKERS_CUSTOM_DOMAIN: product.public_workers,
        t.WORKERS_DEPLOYMENT: product.workers,
        t.WORKERS_KV_NAMESPACE: product.namespaces,
    }
    yield from (type_ for type_, wants in made_for.items() if wants)


def token_policies(holder: Holder, product: Product, label: Label, settings: StageSettings) -> list[TokenPolicy]:
    """Return the policies of a token: one for each scope, in a fixed order, groups sorted by id and JSON without
    blanks, because the API returns them so (cloudflare/terraform-provider-cloudflare#7094) and the plugin compares
    bytes."""
    return _policies((need.permission for need in needs(holder, product)), product, label, settings)


def maker_policies(product: Product, settings: StageSettings) -> list[TokenPolicy]:
    """Return the policies of the token that makes the roles' tokens, and the login of a closed stage. It hands on what
    it does not have, except on a single zone (cloudflare/terraform-provider-cloudflare#7241)."""
    handed_on = {need.permission for holder in HOLDERS for need in needs(holder, product)}
    of_zones = (permission for permission in handed_on if permission.reach is Reach.ZONE)
    login = () if settings.access.public else {permission for type_ in LOGIN for permission in type_.needs}
    return _policies([ACCOUNT_TOKENS_WRITE, *login, *of_zones], product, settings.label(product.name), settings)


def _policies(
    permissions: Iterable[Permission], product: Product, label: Label, settings: StageSettings
) -> list[TokenPolicy]:
    by_reach: dict[Reach, set[str]] = defaultdict(set)
    for permission in permissions:
        by_reach[permission.reach].add(permission.id)
    account, buckets = settings.cloudflare.account_id, [label.name(Kind.R2, each.name) for each in product.buckets]
    resources = {
        Reach.ACCOUNT: [account_key(account)],
        Reach.ZONE: [zone_key(settings.cloudflare.zone_id)],
        Reach.BUCKET: [bucket_key(account, bucket) for bucket in buckets],
    }
    return [
        TokenPolicy(tuple(sorted(groups)), _compact(resources[reach])) for reach in Reach if (groups := by_reach[reach])
    ]


def _compact(keys: list[str]) -> str:
    return json.dumps(dict.fromkeys(keys, "*"), sort_keys=True, separators=(",", ":"))
