"""The routes of R2 buckets and of what is set on them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Page, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.crud import Served, is_descending, routes
from bulkhead.localclouds.cloudflare.api.endpoint import Beside, Endpoint
from bulkhead.localclouds.cloudflare.api.spelling import as_it_is
from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType

_BUCKETS: Final = "/accounts/{account_id}/r2/buckets"
BUCKET: Final = f"{_BUCKETS}/{{bucket_name}}"
_JURISDICTION: Final = {"cf-r2-jurisdiction": "jurisdiction"}
NO_BUCKET: Final = 10006
_NO_CORS: Final = 10059
_INVALID_NAME: Final = 10005
# R2 documentation, "Object lifecycles": unfinished uploads are given up after seven days unless a rule says otherwise.
_FIRST_RULES: Final = [
    {
        "id": "Default Multipart Abort Rule",
        "enabled": True,
        "conditions": {"prefix": ""},
        "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 604_800}},
    }
]


def _off(call: Call, bucket: Record) -> Mapping[str, Any]:
    """A bucket's r2.dev address is known before anybody switches it on."""
    name = str(bucket.outputs["name"])
    return {**registry.rules_of(t.R2_MANAGED_DOMAIN).computed(call.caller, name, {}), "enabled": False}


def _part(type_: ResourceType, path: str, unset: Beside | None, missing: int = NO_BUCKET) -> Endpoint:
    """A setting of a bucket; ``unset`` is what it is before anybody sets it."""
    return Endpoint(
        type=type_,
        headers=_JURISDICTION,
        always=frozenset({"jurisdiction"}),
        item=f"{BUCKET}/{path}",
        create="PUT",
        id_as="",
        asks=as_it_is,
        answers=as_it_is,
        hidden=frozenset({"jurisdiction"}),
        unset=unset,
        missing=missing,
        parent_missing=NO_BUCKET,
    )


_BUCKET: Final = Endpoint(
    type=t.R2_BUCKET,
    headers=_JURISDICTION,
    always=frozenset({"jurisdiction", "storageClass"}),
    change_headers={"cf-r2-storage-class": "storageClass"},
    collection=_BUCKETS,
    item=BUCKET,
    change="PATCH",
    id_as="",
    renamed={"location": "locationHint", "storageClass": "storageClass"},
    listed=False,
    orders={"name": "name"},
    missing=NO_BUCKET,
    invalid=_INVALID_NAME,
)
ENDPOINTS: Final = (
    _BUCKET,
    _part(t.R2_BUCKET_LIFECYCLE, "lifecycle", lambda _asked, _bucket: {"rules": _FIRST_RULES}),
    _part(t.R2_BUCKET_LOCK, "lock", lambda _asked, _bucket: {"rules": []}),
    _part(t.R2_BUCKET_CORS, "cors", None, _NO_CORS),
    _part(t.R2_MANAGED_DOMAIN, "domains/managed", _off),
)
_BESIDE: Final = "cloudflare:api/r2-"
"""How the types of records begin that are of no type of Pulumi's; a bucket has one of each kind."""


class _Buckets(Served):
    """Serves the buckets themselves: what is beside one goes with it."""

    def remove(self, call: Call) -> Result:
        bucket = self.find(call)
        removed = super().remove(call)
        for kind in ("domains", "events"):
            call.cloud.resources.store.remove(f"{_BESIDE}{kind}", _beside_id(bucket))
        return removed


_SERVED: Final = _Buckets(_BUCKET)


def facts_beside(call: Call, kind: str, *, everywhere: bool = False) -> dict[str, Any]:
    """Return what is kept of a kind beside the path's bucket, or beside all buckets of the account. Raises Refusal."""
    mine = _beside_id(bucket_of(call))
    found = call.cloud.resources.store.all(type_=f"{_BESIDE}{kind}", account=call.path["account_id"])
    return {name: facts for one in found if everywhere or one.id == mine for name, facts in one.outputs.items()}


def keep_beside(call: Call, kind: str, facts: Mapping[str, Any]) -> None:
    """Keep this of a kind beside the path's bucket, instead of what was kept."""
    bucket = bucket_of(call)
    kept = Record(f"{_BESIDE}{kind}", _beside_id(bucket), "", bucket.account, "", {}, facts)
    call.cloud.resources.store.put(kept)


def _beside_id(bucket: Record) -> str:
    return "/".join([bucket.account, bucket.outputs["jurisdiction"], bucket.outputs["name"]])


def bucket_of(call: Call) -> Record:
    """Return the bucket that the path names. Raises Refusal."""
    return _SERVED.find(call)


def size_asked(call: Call, usual: int, most: int = 1000) -> int:
    """Return how many items of a list that has cursors are wanted. Raises Refusal."""
    size = Page.asked(call.query, usual).size
    if size > most:
        raise Refusal(400, (UNKNOWN_CODE, f"per_page: must be at most {most}"))
    return size


def _list(call: Call) -> Result:
    """R2 has cursors instead of pages, and lists buckets by name."""
    falls = is_descending(call)
    found = sorted(_SERVED.all(call), key=lambda bucket: str(bucket.outputs["name"]), reverse=falls)
    names = [str(bucket.outputs["name"]) for bucket in found]
    wanted = [name for name in names if call.query.get("name_contains", "") in name]
    last = _decoded(call.query["cursor"]) if "cursor" in call.query else call.query.get("start_after")
    if last is not None:
        wanted = [name for name in wanted if (name < last if falls else name > last)]
    size = size_asked(call, 20)
    shown = [_SERVED.answer(call, found[names.index(name)]) for name in wanted[:size]]
    info = {"per_page": size} | ({"cursor": _encoded(wanted[size - 1])} if len(wanted) > size else {})
    return Result({"buckets": shown}, info)


def _encoded(name: str) -> str:
    return b64encode(name.encode(), b"-_").decode()


def _decoded(cursor: str) -> str:
    try:
        return b64decode(cursor, b"-_", validate=True).decode()
    except ValueError:
        raise Refusal(400, (UNKNOWN_CODE, "cursor: is none that a list has returned")) from None


ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", _BUCKETS, _list),
    *routes(_BUCKET, _SERVED),
    *(route for endpoint in ENDPOINTS if endpoint != _BUCKET for route in routes(endpoint)),
)
