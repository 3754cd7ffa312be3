"""The routes of what is in a queue, apart from those of pull consumers.

Limits: Queues documentation, "Limits"; code: alchemy-run/distilled, which types what the API answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.queues import QUEUE, queue_of
from bulkhead.localclouds.cloudflare.contents import Messages
from bulkhead.model.failures import Failed

_LARGEST: Final = 128_000
_LARGEST_BATCH: Final = 256_000
_MOST: Final = 100
LONGEST_DELAY: Final = 43_200  # seconds
_BAD_BODY: Final = 10026
_BAD_MESSAGE: Final = 10207
_MESSAGE: Final = {"body", "content_type", "delay_seconds"}


def messages_of(call: Call) -> Messages:
    """Return what is in the path's queue. Raises Refusal."""
    queue = queue_of(call)
    return Messages(call.stage_of(queue), str(queue.outputs["queueName"]))


def _push(call: Call) -> Result:
    return _pushed(call, [call.json()], {})


def _push_many(call: Call) -> Result:
    body = call.json()
    messages = body.get("messages")
    if not body.keys() <= {"messages", "delay_seconds"} or not isinstance(messages, list):
        raise Refusal(400, (_BAD_BODY, "the body has messages and, if wanted, delay_seconds"))
    if not 0 < len(messages) <= _MOST:
        raise Refusal(400, (_BAD_BODY, f"messages: a batch has 1 to {_MOST}, not {len(messages)}"))
    return _pushed(call, messages, {name: body[name] for name in ("delay_seconds",) if name in body})


def _pushed(call: Call, given: list[Any], common: Mapping[str, Any]) -> Result:
    if sum(len(json.dumps(each).encode()) for each in given) > _LARGEST_BATCH:
        raise Refusal(413, (_BAD_MESSAGE, f"the messages have more than {_LARGEST_BATCH} bytes"))
    messages = [_message(each, common) for each in given]
    queue = messages_of(call)
    queue.push(messages)
    return Result({"metadata": {"metrics": _told(queue)}})


def _message(given: Any, common: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a Worker's ``send``. Raises Refusal."""
    if not isinstance(given, dict) or not {"body"} <= given.keys() <= _MESSAGE:
        raise Refusal(400, (_BAD_MESSAGE, "a message has body and, if wanted, content_type and delay_seconds"))
    kind = given.get("content_type", "json")
    if kind not in {"json", "text"} or (kind == "text" and not isinstance(given["body"], str)):
        raise Refusal(400, (_BAD_MESSAGE, "content_type: must be json, or text for a body that is text"))
    content = given["body"] if kind == "text" else json.dumps(given["body"], separators=(",", ":"))
    if len(content.encode()) > _LARGEST:
        raise Refusal(413, (_BAD_MESSAGE, f"a message has at most {_LARGEST} bytes"))
    delay = given.get("delay_seconds", common.get("delay_seconds"))
    if delay is not None and (type(delay) not in {int, float} or not 0 <= delay <= LONGEST_DELAY):
        raise Refusal(400, (_BAD_MESSAGE, f"delay_seconds: must be from 0 to {LONGEST_DELAY}"))
    return {"body": given["body"], "contentType": kind, **({} if delay is None else {"delaySeconds": delay})}


def _metrics(call: Call) -> Result:
    return Result(_told(messages_of(call)))


def _told(queue: Messages) -> dict[str, int]:
    count, size, since = queue.waiting()
    return {"backlog_count": count, "backlog_bytes": size, "oldest_message_timestamp_ms": since}


def _purge(call: Call) -> Result:
    body = call.json()
    if body != {"delete_messages_permanently": True}:
        raise Refusal(400, (_BAD_BODY, "a purge confirms itself: delete_messages_permanently must be true"))
    try:
        messages_of(call).purge()
    except Failed as failure:
        raise Refusal(400, (UNKNOWN_CODE, f"the local Cloudflare does not do that: {failure.summary}")) from failure
    return Result({})


ROUTES: Final[tuple[Route, ...]] = (
    Route("POST", f"{QUEUE}/messages", _push, "queue_id"),
    Route("POST", f"{QUEUE}/messages/batch", _push_many, "queue_id"),
    Route("POST", f"{QUEUE}/purge", _purge, "queue_id"),
    Route("GET", f"{QUEUE}/metrics", _metrics, "queue_id"),
)
