"""One request to the local Cloudflare, and what serves it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from bulkhead.localclouds.api.rate import RateLimit
from bulkhead.localclouds.cloudflare.api.answers import Refusal, Result
from bulkhead.localclouds.cloudflare.api.asset_sessions import Sessions
from bulkhead.localclouds.cloudflare.api.credentials import Credential
from bulkhead.localclouds.cloudflare.api.files import Files
from bulkhead.localclouds.cloudflare.api.permissions import target_of
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.token_policies import Target

PLUGIN: Final = "terraform-provider-cloudflare"
"""The client's name in requests of the provider's plugin, and of our own provider, which stands for it."""
ANALYTICS_DELAY: Final = 300.0
"""Seconds until Cloudflare's analytics are complete, as those report who poll them: five minutes."""
_QUERIES: Final = (300, 300)  # GraphQL documentation, "Limits": queries of a user in five minutes
_SOURCES: Final = {PLUGIN: "terraform", "wrangler": "wrangler"}


@dataclass(frozen=True, slots=True)
class Cloudflare:
    """What is behind the API: the resources of all accounts, an environment's running Miniflare and what was uploaded
    to it, the files that signed URLs name, the sessions of asset uploads, how many queries of analytics each token has
    left. ``clock`` tells seconds since 1970; analytics tell what is ``analytics_delay`` seconds ago or more."""

    resources: Resources
    stage: Callable[[str], StageCloud]
    uploads: Callable[[str], Uploads]
    files: Files = field(default_factory=Files)
    sessions: Sessions = field(default_factory=Sessions)
    queries: RateLimit = field(default_factory=lambda: RateLimit(*_QUERIES))
    clock: Callable[[], float] = time.time
    analytics_delay: float = ANALYTICS_DELAY


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is allowed to be served. ``path`` are the values in the route's template."""

    cloud: Cloudflare
    credential: Credential
    path: Mapping[str, str]
    query: QueryParams
    headers: Mapping[str, str]
    body: bytes
    base: str

    @property
    def caller(self) -> Caller:
        return Caller(
            self.credential.tenant.environment, "cloudflare", {"source": self._source(), "author": self.credential.name}
        )

    @property
    def uploads(self) -> Uploads:
        return self.cloud.uploads(self.credential.tenant.environment)

    @property
    def target(self) -> Target:
        """What is asked about; a zone is in the account of whoever is let in."""
        return target_of(self.path, self.credential.account)

    def json(self) -> dict[str, Any]:
        """Return the body. Raises Refusal when it is no JSON object."""
        body = self._json()
        if not isinstance(body, dict):
            raise _malformed()
        return body

    def json_list(self) -> list[Any]:
        """Return the body. Raises Refusal when it is no JSON list."""
        body = self._json()
        if not isinstance(body, list):
            raise _malformed()
        return body

    def flag(self, name: str) -> bool:
        """Whether the query says that something is wanted."""
        return self.query.get(name, "").lower() in {"true", "1"}

    def _json(self) -> Any:
        try:
            body = json.loads(self.body or b"{}")
            # Python reads NaN, infinite numbers and halves of characters, which nobody could write down or answer.
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        except (RecursionError, ValueError):
            raise _malformed() from None
        return body

    def _source(self) -> str:
        """Return the word by which the API remembers what kind of client made something."""
        client = self.headers.get("user-agent", "").partition("/")[0]
        return _SOURCES.get(client, "api")

    def records(self, type_: ResourceType) -> list[Record]:
        """Return what the account or the zone of the path holds of a type, oldest first, with what was left behind."""
        holder = self.path.get("account_id") or self.path.get("zone_id", "")
        return self.cloud.resources.store.all(type_=type_, account=holder)

    def stage_of(self, record: Record) -> StageCloud:
        """Return the running cloud that a resource lives in."""
        return self.cloud.stage(record.environment)


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. ``serve`` returns the result, or a whole response where the API sends no envelope;
    it raises Refusal or ApiRefusal. ``resource`` is the name in the path of what is asked about. ``signer`` finds whose
    request it is where that is said by something else than a token of the API, which counts no such request; it raises
    Refusal."""

    method: str
    path: str
    serve: Callable[[Call], Result | Response]
    resource: str = ""
    signer: Callable[[Cloudflare, Request], Credential] | None = None


def _malformed() -> Refusal:
    return Refusal(400, (6007, "Malformed JSON in request body"))
