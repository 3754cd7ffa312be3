"""What moto's SQS says otherwise: a queue's URL is AWS's own, and not the address of this machine. It is the queue's id
in a state, and by it a lost one is imported."""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Queue


def queue_url(account: str, region: str, name: str) -> str:
    """Return the URL by which AWS knows a queue."""
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


def extend() -> None:
    """Let moto answer such URLs; safe to repeat."""
    Queue.url = _url  # type: ignore[assignment]


def _url(self: Any, _request_url: Any) -> str:
    return queue_url(self.account_id, self.region, self.name)
