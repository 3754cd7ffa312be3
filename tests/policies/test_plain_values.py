"""Rules about plain values of jobs and about notices in the clear."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import plain_values
from tests.support.policy_scene import changed, found, make_resource

RULES = {rule.name: rule for rule in plain_values.RULES}
SECRET, CLEAR = RULES["secret-in-plain-value"], RULES["notice-in-plain-text"]
HOOK = "https://hooks.slack.com/" + "services/T000/B000/canarycanarycanary"
KEY = "AKIA" + "IOSFODNN7EXAMPLE"


def function(**variables: Any) -> ObservedResource:
    return make_resource(t.LAMBDA_FUNCTION, name="harbor-staging-job", environment={"variables": variables})


def parameter(name: str, value: Any, type_: Any = "String", property_: str = "value") -> ObservedResource:
    return make_resource(
        t.SSM_PARAMETER, **{"name": f"harbor-staging-parameter-{name}", "type": type_, property_: value}
    )


def schedule(input_: Any) -> ObservedResource:
    return make_resource(t.SCHEDULER_SCHEDULE, target={"arn": UNKNOWN, "input": input_})


@pytest.mark.parametrize(
    "resource",
    [
        function(NOTIFY=HOOK),
        function(SLACK_WEBHOOK="https://canary.example/x"),
        function(API_KEY="canary-canary"),
        function(REGION="x", ACCESS=KEY),
        function(SMTP_PASS="canary"),
        function(NOTIFY="https://discord.com/api/webhooks/1234567890/" + "canary-canary"),
        parameter("slack-webhook", "https://canary.example/x"),
        parameter("slack-webhook-url", "https://canary.example/x"),
        parameter("notify", HOOK),
        parameter("deploy-token", "canary-canary"),
        parameter("deploy-token", "canary-canary", property_="insecureValue"),
        parameter("keys", f"canary,{KEY}", "StringList"),
        parameter("config", '{"database": {"password": "canary-canary"}}'),
        parameter("config", '[{"name": "DB_PASSWORD", "value": "canary-canary"}]'),
        function(CONFIG='{"smtp": {"password": "canary-canary"}}'),
        schedule('{"environment": [{"name": "DB_PASSWORD", "value": "canary-canary"}]}'),
        schedule('{"Environment": [{"Name": "DB_PASSWORD", "Value": "canary-canary"}]}'),
        schedule(f'{{"url": "{HOOK}"}}'),
        schedule('{"auth": {"token": "canary-canary"}}'),
        schedule(HOOK),
    ],
)
def test_a_secret_does_not_stand_in_the_clear(resource: ObservedResource) -> None:
    (message,) = found(SECRET, resource)
    assert not any(secret in message for secret in ("canary", "hooks.slack.com", KEY))


@pytest.mark.parametrize(
    "resource",
    [
        function(LOG_LEVEL="info", TABLE="x", MAX_TOKENS="4096"),
        function(API_KEY_PARAMETER="/harbor/staging/api-key"),
        function(API_KEY="arn:aws:secretsmanager:ap-northeast-1:222222222222:secret:api-key"),
        function(API_KEY="/harbor/staging/api-key"),
        function(API_KEY=UNKNOWN, NUMBER=7, NOTHING=None, EMPTY=""),
        changed(function(), "environment", UNKNOWN),
        changed(function(), "environment", []),
        function(SENTRY_DSN="https://0123456789abcdef@o1.ingest.sentry.io/42"),
        schedule('{"items": [{"key": "orders", "labelKey": "menu.orders"}]}'),
        parameter("s3-key", "uploads/2026/report.pdf"),
        parameter("slack-webhook", HOOK, "SecureString"),
        parameter("slack-webhook", HOOK, UNKNOWN),
        parameter("slack-webhook", UNKNOWN),
        parameter("public-key", "ssh-ed25519 AAAA"),
        parameter("hostname", "staging.harbor.example"),
        schedule('{"table": "orders"}'),
        schedule('{"fields": [{"name": "password", "value": ""}, {"name": "token", "value": true}]}'),
        schedule('{"environment": [{"name": "TABLE", "value": "orders"}, {"name": ["a"], "value": "b"}]}'),
        function(CONFIG='{"password": "/harbor/staging/password", "items": [{"key": "orders"}]}'),
        schedule("no JSON"),
        schedule("[" * 5_000 + "]" * 5_000),
        function(CONFIG="[" * 4_000),
        schedule(UNKNOWN),
        make_resource(t.SCHEDULER_SCHEDULE, target=UNKNOWN),
        make_resource(t.SSM_PARAMETER, name=UNKNOWN, type="String", value="7"),
    ],
)
def test_what_only_names_or_counts_is_let_be(resource: ObservedResource) -> None:
    assert found(SECRET, resource) == []


@pytest.mark.parametrize(
    ("resource", "count"),
    [
        (make_resource(t.NOTIFICATION_POLICY_WEBHOOKS, url="http://x.example/hook"), 1),
        (make_resource(t.NOTIFICATION_POLICY_WEBHOOKS, url="HTTP://x.example/hook"), 1),
        (make_resource(t.SNS_TOPIC_SUBSCRIPTION, protocol="http", endpoint="http://x.example"), 1),
        (make_resource(t.SNS_TOPIC_SUBSCRIPTION, protocol="http", endpoint=UNKNOWN), 1),
        (make_resource(t.NOTIFICATION_POLICY_WEBHOOKS, url="https://x.example/hook"), 0),
        (make_resource(t.NOTIFICATION_POLICY_WEBHOOKS, url=UNKNOWN), 0),
        (make_resource(t.SNS_TOPIC_SUBSCRIPTION, protocol="https", endpoint="https://x.example"), 0),
        (make_resource(t.SNS_TOPIC_SUBSCRIPTION, protocol="email", endpoint="ops@x.example"), 0),
        (make_resource(t.SNS_TOPIC_SUBSCRIPTION, protocol=UNKNOWN, endpoint=7), 0),
    ],
)
def test_notices_do_not_travel_in_the_clear(resource: ObservedResource, count: int) -> None:
    assert len(found(CLEAR, resource)) == count
