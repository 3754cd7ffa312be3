"""The routes of queues and of their consumers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.crud import Served, routes
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.worker_state import binding_workers
from bulkhead.resources import types as t

_QUEUES: Final = "/accounts/{account_id}/queues"
QUEUE: Final = f"{_QUEUES}/{{queue_id}}"
_NO_QUEUE: Final = 11000
_INVALID_NAME: Final = 11003
_INVALID_BODY: Final = 10026


def consumers_of(call: Call, queue: Record) -> list[Record]:
    """Return a queue's consumers: there is one at most."""
    return [one for one in call.records(t.QUEUE_CONSUMER) if one.outputs["queueId"] == queue.id]


def _beside_queue(call: Call, queue: Record) -> Mapping[str, Any]:
    """A queue shows who sends to it and who takes from it."""
    name = str(queue.outputs["queueName"])
    consumers = [{**_CONSUMER.shown(one), **_beside_consumer(call, one)} for one in consumers_of(call, queue)]
    senders = binding_workers(call.cloud.resources.store, queue.account, "queue", "queueName", name)
    producers = [{"type": "worker", "script": worker} for worker in senders]
    return {
        "consumers": consumers,
        "consumers_total_count": len(consumers),
        "producers": producers,
        "producers_total_count": len(producers),
    }


def _beside_consumer(call: Call, consumer: Record) -> Mapping[str, Any]:
    """A consumer shows its Worker by two names: the plugin and wrangler read ``script``, the rest ``script_name``."""
    queues = {queue.id: queue.outputs["queueName"] for queue in call.records(t.QUEUE)}
    script = consumer.outputs.get("scriptName")
    return {"queue_name": queues[consumer.outputs["queueId"]], **({"script": script} if script else {})}


_QUEUE: Final = Endpoint(
    type=t.QUEUE,
    collection=_QUEUES,
    item=QUEUE,
    change="PUT PATCH",
    id_as="queue_id",
    filters={"name": "queueName"},
    beside=_beside_queue,
    kept=frozenset({"queueName"}),  # optional in the client's `queue_update_params`
    missing=_NO_QUEUE,
    invalid=_INVALID_NAME,
)


class _Consumer(Endpoint):
    """A consumer, of which wrangler says its Worker's environment as well: every Worker has one."""

    def inputs(self, path: Mapping[str, str], headers: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        if body.get("environment_name", "") not in {"", "production"}:
            raise Refusal(400, (self.invalid, "environment_name: a Worker has no environment but production"))
        said = {name: value for name, value in body.items() if name != "environment_name"}
        return super().inputs(path, headers, said)


_CONSUMER: Final = _Consumer(
    type=t.QUEUE_CONSUMER,
    collection=f"{QUEUE}/consumers",
    item=f"{QUEUE}/consumers/{{consumer_id}}",
    change="PUT",
    id_as="consumer_id",
    beside=_beside_consumer,
    missing=UNKNOWN_CODE,
    parent_missing=_NO_QUEUE,
    invalid=_INVALID_BODY,
)
ENDPOINTS: Final = (_QUEUE, _CONSUMER)
_SERVED: Final = Served(_QUEUE)


def queue_of(call: Call) -> Record:
    """Return the queue that the path names. Raises Refusal."""
    return _SERVED.find(call)


ROUTES: Final[tuple[Route, ...]] = tuple(route for endpoint in ENDPOINTS for route in routes(endpoint))
