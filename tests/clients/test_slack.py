"""Messages to Slack: posted once, to Slack alone, and the webhook is in nobody's log."""

from __future__ import annotations

import json

import httpx
import pytest

from bulkhead.clients import slack
from bulkhead.clients.repeats import Patience
from bulkhead.model.faults import Refused

SERVICES = "hooks.slack.com" + "/services"
WEBHOOK = f"https://{SERVICES}/T000/B000/canary0of0a0webhook"
Answer = httpx.Response | type[httpx.RequestError]


class Channel:
    def __init__(self, *answers: Answer) -> None:
        self.posted: list[httpx.Request] = []
        self._answers = list(answers)

    def post(self, webhook: str = WEBHOOK) -> None:
        patience = Patience(sleep=lambda _: None)
        slack.post(webhook, {"text": "hello"}, httpx.MockTransport(self._answer), patience)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.posted.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer(f"as it happens with {request.url}")


def test_a_message_is_posted_as_json() -> None:
    channel = Channel(httpx.Response(200, text="ok"))
    channel.post()
    [request] = channel.posted
    assert str(request.url) == WEBHOOK
    assert json.loads(request.content) == {"text": "hello"}


@pytest.mark.parametrize(
    "webhook",
    [
        f"http://{SERVICES}/T0/B0/x1",
        "https://hooks.slack.com.evil.example/services/T0/B0/x1",
        "https://hooks.slack.com@evil.example/services/T0/B0/x1",
        f"https://user:{'canary'}@{SERVICES}/T0/B0/x1",
        f"https://{SERVICES}/T0/B0/x1?to=canary",
        "https://hooks.slack.com/workflows/T0/B0/x1",
        f"https://{SERVICES}/T0/B0/x1\n",
        "http://192.0.2.1:80/services/T0/B0/x1",
        "canary",
        "",
    ],
)
def test_nothing_is_sent_to_what_is_no_webhook_of_slack_and_it_is_not_shown(webhook: str) -> None:
    channel = Channel()
    with pytest.raises(Refused, match="is no incoming webhook") as refused:
        channel.post(webhook)
    assert channel.posted == []
    assert not webhook.strip() or webhook.strip() not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "said", "told", "mends"),
    [
        (404, "no_service", "404: no_service", "secrets set"),
        (410, "channel_is_archived", "410: channel_is_archived", "another one"),
        (400, "invalid_blocks", "400: invalid_blocks", "maintainers"),
        (403, f"<html>{WEBHOOK}</html>", "403: Forbidden", "administrator"),
        (302, "", "302: Found", ""),
    ],
)
def test_a_refusal_is_told_in_slacks_word_with_what_mends_it(status: int, said: str, told: str, mends: str) -> None:
    channel = Channel(httpx.Response(status, text=said, headers={"Location": "https://evil.example"}))
    with pytest.raises(Refused) as refused:
        channel.post()
    assert told in str(refused.value)
    assert mends in str(refused.value)
    assert "canary" not in str(refused.value)
    assert len(channel.posted) == 1


def test_a_message_is_sent_again_only_where_nobody_has_it() -> None:
    channel = Channel(httpx.ConnectError, httpx.Response(429, headers={"Retry-After": "1"}), httpx.Response(200))
    channel.post()
    assert len(channel.posted) == 3
    for lost in (httpx.ReadTimeout, httpx.Response(503)):
        channel = Channel(lost)
        with pytest.raises(Refused) as refused:
            channel.post()
        assert len(channel.posted) == 1
        assert "canary" not in str(refused.value)
