"""Which Workers run another version than the one that was uploaded last.

The engine compares a deployment by its own id, and a later one has another: a `wrangler deploy`, a version that was
chosen in the dashboard, or a rollout that has not reached everybody is a difference that neither a refresh nor an `up`
sees, or undoes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bulkhead.clients.endpoints import Api
from bulkhead.clients.rest import Rest
from bulkhead.engine.stack import StackCli
from bulkhead.model.faults import Refused
from bulkhead.resources import types as t


def notes_on(stack: StackCli, account: str, token: str | None, api: Api) -> tuple[str, ...]:
    """Return what there is to say of a stack's Workers, and why nothing can be said where they cannot be compared."""
    try:
        resources = stack.state().resources
        if not _newest(resources):
            return ()
        if token is None:
            return ("whether other versions run was not looked at: the stage's token could not be had",)
        with Rest(api, token) as cloudflare:
            return tuple(elsewhere(resources, account, cloudflare))
    except Refused as refused:
        return (f"whether other versions run was not looked at: {refused.summary}",)


def elsewhere(resources: Iterable[Mapping[str, Any]], account: str, cloudflare: Rest) -> Iterator[str]:
    """Yield a sentence for each Worker in a stack's state that runs other versions. Raises Refused where Cloudflare
    does not answer."""
    for worker, newest in _newest(resources).items():
        answer = cloudflare.get(f"/accounts/{account}/workers/scripts/{worker}/deployments")
        latest = next(iter((answer or {}).get("deployments") or []), None)
        active = {str(share["version_id"]) for share in latest["versions"]} if latest else set()
        if active and active != {newest}:
            yield (
                f"{worker} runs version {', '.join(sorted(active))} and not {newest}, which was uploaded last from "
                "here: an up neither sees nor changes that, unless it deploys a new version"
            )


def _newest(resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the version of each Worker that is in the state, which is the one that was uploaded last, by the Worker's
    name."""
    known = [resource for resource in resources if not resource.get("delete")]
    names = {each["id"]: each["outputs"]["name"] for each in known if each["type"] == t.WORKER and each.get("id")}
    uploads = [(each["id"], each.get("outputs") or {}) for each in known if each["type"] == t.WORKER_VERSION]
    return {names[said["workerId"]]: id_ for id_, said in uploads if said.get("workerId") in names}
