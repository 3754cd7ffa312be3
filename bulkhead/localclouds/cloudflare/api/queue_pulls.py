"""The routes with which a client consumes a queue over HTTP.

Source: Queues documentation, "Pull consumers" and "JavaScript APIs"; members as the official client has them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.queue_messages import LONGEST_DELAY, messages_of
from bulkhead.localclouds.cloudflare.api.queues import QUEUE, consumers_of, queue_of
from bulkhead.localclouds.cloudflare.contents import Lent
from bulkhead.localclouds.providers.store import Record

_BATCH: Final = 5
_MOST: Final = 100
_VISIBILITY: Final = 30_000  # milliseconds
_LONGEST: Final = 12 * 3600 * 1000
_RETRIES: Final = 3
_TIMES: Final = ("visibility_timeout_ms", "visibility_timeout")  # the reference's word, and that of the guide
_BAD_BODY: Final = 10026


def _pull(call: Call) -> Result:
    consumer, body = _consumer(call), call.json()
    settings = consumer.outputs.get("settings") or {}
    if not body.keys() <= {"batch_size", *_TIMES} or body.keys() >= {*_TIMES}:
        raise Refusal(400, (_BAD_BODY, "the body has batch_size and visibility_timeout_ms, or one, or none of them"))
    most = body.get("batch_size", settings.get("batchSize", _BATCH))
    visibility = next((body[name] for name in _TIMES if name in body), settings.get("visibilityTimeoutMs", _VISIBILITY))
    if not _is_number(most, 1, _MOST):
        raise Refusal(400, (_BAD_BODY, f"batch_size: must be from 1 to {_MOST}"))
    if not _is_number(visibility, 0, _LONGEST):
        raise Refusal(400, (_BAD_BODY, f"visibility_timeout_ms: must be from 0 to {_LONGEST}"))
    dead_letter = consumer.outputs.get("deadLetterQueue")
    attempts = settings.get("maxRetries", _RETRIES)
    lent, backlog = messages_of(call).pull(int(most), int(visibility), int(attempts), dead_letter)
    return Result({"message_backlog_count": backlog, "messages": [_shown(each) for each in lent]})


def _ack(call: Call) -> Result:
    _consumer(call)
    body = call.json()
    acks, retries = body.get("acks", []), body.get("retries", [])
    faults = [*_faults("acks", acks, {"lease_id"}), *_faults("retries", retries, {"lease_id", "delay_seconds"})]
    faults += [f"{name}: is not known" for name in sorted(body.keys() - {"acks", "retries"})]
    if faults:
        raise Refusal(400, *((_BAD_BODY, fault) for fault in faults))
    delays = {one["lease_id"]: int(one.get("delay_seconds", 0) * 1000) for one in retries}
    acknowledged, retried, unknown = messages_of(call).settle([one["lease_id"] for one in acks], delays)
    warnings = [f"{lease}: no message has this lease" for lease in unknown]
    return Result({"ackCount": acknowledged, "retryCount": retried, "warnings": warnings})


def _consumer(call: Call) -> Record:
    """Return what lets the path's queue be consumed over HTTP. Raises Refusal."""
    for consumer in consumers_of(call, queue_of(call)):
        if consumer.outputs["type"] == "http_pull":
            return consumer
    raise Refusal(400, (UNKNOWN_CODE, "the queue has no consumer of the type http_pull"))


def _faults(name: str, given: Any, known: set[str]) -> Iterator[str]:
    if not isinstance(given, list):
        yield f"{name}: must be a list"
        return
    for index, one in enumerate(given):
        if not isinstance(one, dict) or not {"lease_id"} <= one.keys() <= known or not isinstance(one["lease_id"], str):
            yield f"{name}[{index}]: must be an object of {', '.join(sorted(known))}"
        elif not _is_number(one.get("delay_seconds", 0), 0, LONGEST_DELAY):
            yield f"{name}[{index}].delay_seconds: must be from 0 to {LONGEST_DELAY}"


def _is_number(value: Any, least: int, most: int) -> bool:
    return type(value) in {int, float} and least <= value <= most


def _shown(message: Lent) -> Mapping[str, Any]:
    """JSON is encoded as bytes are."""
    is_bytes = message.content_type == "bytes"
    body = message.body if is_bytes else b64encode(json.dumps(message.body, separators=(",", ":")).encode()).decode()
    return {
        "id": message.id,
        "timestamp_ms": message.at,
        "attempts": message.attempts,
        "lease_id": message.lease,
        "body": body,
        "metadata": {"CF-Content-Type": message.content_type},
    }


ROUTES: Final[tuple[Route, ...]] = (
    Route("POST", f"{QUEUE}/messages/pull", _pull, "queue_id"),
    Route("POST", f"{QUEUE}/messages/ack", _ack, "queue_id"),
)
