"""What is in a running stage's KV namespaces, R2 buckets and queues, as the API over it needs it: bytes, pages, leases.

Names are those of `StageCloud`, and so is what is raised.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.localclouds.cloudflare.client import StageCloud


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list. ``prefixes`` stand for what a delimiter has grouped; ``cursor`` is None in the last one."""

    items: list[dict[str, Any]]
    cursor: str | None
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A value of KV. ``expiration`` is in seconds since 1970, None if it stays."""

    content: bytes
    metadata: Any
    expiration: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """What is to be written to KV; ``options`` are those of a Worker's ``put``."""

    key: str
    content: bytes
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lent:
    """A message that was borrowed. ``at`` is in ms since 1970; a body of the type ``bytes`` is in base64."""

    id: str
    at: int
    attempts: int
    lease: str
    body: Any
    content_type: str


class KvValues:
    """The values of one namespace."""

    def __init__(self, stage: StageCloud, namespace: str) -> None:
        self._stage = stage
        self._namespace = namespace

    def page(self, prefix: str, limit: int, cursor: str | None) -> Page:
        """Return keys, each with ``name`` and, if it has them, ``expiration`` and ``metadata``."""
        found = self._stage.call("kv_page", store=self._namespace, prefix=prefix, limit=limit, cursor=cursor)
        return Page(found["keys"], found["cursor"])

    def read(self, key: str) -> Value | None:
        found = self._stage.call("kv_read", store=self._namespace, key=key)
        return None if found is None else Value(b64decode(found["value"]), found["metadata"], found["expiration"])

    def write(self, pairs: Sequence[Pair]) -> None:
        given = [{"key": one.key, "value": b64encode(one.content).decode(), "options": one.options} for one in pairs]
        self._stage.call("kv_write", store=self._namespace, pairs=given)

    def remove(self, keys: Sequence[str]) -> None:
        self._stage.call("kv_remove", store=self._namespace, keys=list(keys))


class R2Objects:
    """The objects of one bucket. What is told of one is ``key``, ``size``, ``etag``, ``version``, ``uploaded``,
    ``httpMetadata`` and ``customMetadata``."""

    def __init__(self, stage: StageCloud, bucket: str) -> None:
        self._stage = stage
        self._bucket = bucket

    def page(self, limit: int, **wanted: str | None) -> Page:
        """Return objects; ``wanted`` are ``prefix``, ``delimiter``, ``cursor`` and ``startAfter``."""
        found = self._stage.call("r2_page", store=self._bucket, options={"limit": limit, **wanted})
        return Page(found["objects"], found["cursor"], tuple(found["prefixes"]))

    def read(self, key: str) -> tuple[bytes, dict[str, Any]] | None:
        found = self._stage.call("r2_read", store=self._bucket, key=key)
        return None if found is None else (b64decode(found["value"]), found["object"])

    def write(self, key: str, content: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
        """Write an object; ``options`` are those of a Worker's ``put``."""
        value = b64encode(content).decode()
        written: dict[str, Any] = self._stage.call(
            "r2_write", store=self._bucket, key=key, value=value, options=options
        )
        return written

    def remove(self, key: str) -> None:
        self._stage.call("r2_delete", store=self._bucket, key=key)


class Messages:
    """The messages of one queue."""

    def __init__(self, stage: StageCloud, queue: str) -> None:
        self._stage = stage
        self._queue = queue

    def push(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Send messages, each with the options of a Worker's ``send``."""
        self._stage.call("queue_push", store=self._queue, messages=list(messages))

    def purge(self) -> None:
        """Delete what nobody consumes. Raises Failed where a Worker does."""
        self._stage.call("queue_purge", store=self._queue)

    def pull(self, most: int, visibility: int, attempts: int, dead_letter: str | None) -> tuple[list[Lent], int]:
        """Borrow messages for ``visibility`` ms, and return how many the queue has. What was delivered ``attempts``
        times goes to the queue ``dead_letter``, or nowhere."""
        found = self._stage.call(
            "queue_pull",
            store=self._queue,
            most=most,
            visibility=visibility,
            attempts=attempts,
            deadLetter=dead_letter,
        )
        lent = [
            Lent(one["id"], one["at"], one["attempts"], one["lease"], one["body"], one["contentType"])
            for one in found["messages"]
        ]
        return lent, found["backlog"]

    def settle(self, acks: Sequence[str], retries: Mapping[str, int]) -> tuple[int, int, list[str]]:
        """End leases: ``acks`` for good, ``retries`` for so many ms. Return how many of each there were, and the leases
        that nobody has."""
        again = [{"lease": lease, "delay": delay} for lease, delay in retries.items()]
        told = self._stage.call("queue_settle", store=self._queue, acks=list(acks), retries=again)
        return told["acknowledged"], told["retried"], told["unknown"]

    def waiting(self) -> tuple[int, int, int]:
        """Return how many messages wait, their size in bytes, and since when the oldest does (ms since 1970, or 0)."""
        told = self._stage.call("queue_metrics", store=self._queue)
        held = self._stage.call("queue_held", store=self._queue)
        sizes = [len(json.dumps(one["body"], separators=(",", ":")).encode()) for one in held]
        times = [one["at"] for one in held] + ([told["oldest"]] if told["backlogCount"] else [])
        return told["backlogCount"] + len(held), told["backlogBytes"] + sum(sizes), min(times, default=0)
