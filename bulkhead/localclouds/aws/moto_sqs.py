"""What moto's SQS says otherwise: a queue's URL is AWS's own, and not the address of this machine. It is the queue's id
in a state, and by it a lost one is imported."""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Queue

from bulkhead.resources.aws.notices import QUEUE_URL


def extend() -> None:
    """Let moto answer such URLs; safe to repeat."""
    Queue.url = _url  # type: ignore[assignment]


def _url(self: Any, _request_url: Any) -> str:
    return QUEUE_URL.format(region=self.region, account=self.account_id, name=self.name)
