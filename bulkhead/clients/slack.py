"""Slack's incoming webhooks: an address that posts to one channel for whoever has it, and so a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from bulkhead.clients.repeats import Outcome, Patience
from bulkhead.model.faults import Fault, Refused

# What is sent may be about production, so it goes to Slack alone; a test listens on this machine.
_WEBHOOK: Final = re.compile(
    r"(?:https://hooks\.slack(?:-gov)?\.com|http://(?:127\.0\.0\.1|\[::1\]):\d{1,5})/services(?:/[A-Za-z0-9]+){1,3}"
)
_WORD: Final = re.compile(r"[a-z_]{1,60}")  # how Slack says what was wrong, such as no_service
_TIMEOUT: Final = 10.0  # seconds
_WHERE: Final = "the webhook of Slack"
_FIXES: Final[Mapping[int, str]] = {
    httpx.codes.BAD_REQUEST: "this is a fault of Bulkhead: tell its maintainers what Slack says",
    httpx.codes.FORBIDDEN: "does the channel still admit messages of the app? An administrator of Slack can tell",
    httpx.codes.NOT_FOUND: "make a new webhook in Slack, then store it: bulkhead secrets set STAGE slackWebhook",
    httpx.codes.GONE: "the channel is archived: make a webhook for another one, then: bulkhead secrets set STAGE "
    "slackWebhook",
}


def post(
    webhook: str,
    message: Mapping[str, Any],
    transport: httpx.BaseTransport | None = None,
    patience: Patience | None = None,
) -> None:
    """Post a message to the webhook's channel. Raises Refused, in which the webhook is never shown. A message whose
    answer was lost is not posted again: twice is worse than once."""
    if not _WEBHOOK.fullmatch(webhook):
        message_ = "is no incoming webhook of Slack: they are https://hooks.slack.com/services/ and three parts"
        raise Refused("Slack was not told.", [Fault(_WHERE, message_, "bulkhead secrets set STAGE slackWebhook")])
    patience = patience or Patience()
    repeated = 0
    with httpx.Client(transport=transport, timeout=_TIMEOUT, trust_env=False) as client:
        while True:
            outcome = _once(client, webhook, message)
            if isinstance(outcome, httpx.Response) and outcome.is_success:
                return
            pause = patience.pause(outcome, repeated, repeatable=False)
            if pause is None:
                raise _refused(outcome)
            patience.sleep(pause)
            repeated += 1


def _once(client: httpx.Client, webhook: str, message: Mapping[str, Any]) -> Outcome:
    try:
        return client.post(webhook, json=message)
    except httpx.RequestError as error:
        return error


def _refused(outcome: Outcome) -> Refused:
    if not isinstance(outcome, httpx.Response):
        fault = Fault(
            _WHERE, f"{type(outcome).__name__}: no answer", "is there a network, and may this machine reach it?"
        )
        return Refused("Slack may not have been told.", [fault])
    said = outcome.text.strip()
    word = said if _WORD.fullmatch(said) else outcome.reason_phrase
    fix = _FIXES.get(outcome.status_code, "")
    return Refused("Slack was not told.", [Fault(_WHERE, f"{outcome.status_code}: {word}", fix)])
