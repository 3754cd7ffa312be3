"""Rules about plain values: a compliant baseline of each carrier, broken one value at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import worker_values
from tests.support.policy_scene import changed, found, make_context, make_resource
from tests.support.second_product import SECOND_PRODUCT

RULES = {rule.name: rule for rule in worker_values.RULES}
SECRET = RULES["secret-in-plain-binding"]
VERBOSE = RULES["worker-log-level-too-verbose"]
UNMASKED = RULES["worker-log-unmasked"]

BINDINGS = [
    {"type": "plain_text", "name": "LOG_LEVEL", "text": "info"},
    {"type": "json", "name": "FEATURE_FLAGS", "json": '{"newApiKey": true, "list": ["a", {"b": "c"}]}'},
    {"type": "secret_text", "name": "SESSION_KEY", "text": "canary-of-the-stage"},
    {
        "type": "plain_text",
        "name": "RELEASE",
        "text": "a4618dc519ab5af7ffe5dd4d79107c48492882eba1d204802cc8cbfd9d8134a9",
    },
    {"type": "plain_text", "name": "LOG_REDACT", "text": "true"},
]
VERSION = make_resource(t.WORKER_VERSION, "web-version", bindings=BINDINGS)
PAGES = make_resource(
    t.PAGES_PROJECT,
    deploymentConfigs={
        "preview": {
            "envVars": {
                "LOG_LEVEL": {"type": "plain_text", "value": "info"},
                "API_TOKEN": {"type": "secret_text", "value": "canary-of-the-stage"},
                "PLAIN": {"type": "plain_text", "value": "https://harbor.example"},
            }
        }
    },
)
PREVIEWS = make_resource(t.WORKER, name="web", previewsBaseConfig={"env": {"API_TOKEN": {"type": "secret_text"}}})


def test_the_baselines_keep_the_rules() -> None:
    for rule in RULES.values():
        for type_ in (t.WORKER_VERSION, t.WORKERS_SCRIPT, t.WORKER_SCRIPT):
            assert found(rule, make_resource(type_, bindings=BINDINGS)) == []
        assert found(rule, PAGES, PREVIEWS, make_resource(t.WORKER), make_resource(t.PAGES_PROJECT)) == []


@pytest.mark.parametrize(
    "name",
    [
        "API_KEY",
        "STRIPE_APIKEY",
        "KEY",
        "SLACK_TOKEN",
        "githubToken",
        "CLIENT_SECRET",
        "DATABASE_PASSWORD",
        "DB_CREDENTIALS",
        "SLACK_WEBHOOK",
        "SESSION_KEY",
        "sessionKey",
        "session-key",
        "API_KEY_2",
        "SLACK_TOKEN_PROD",
        "SECRET_VALUE",
        "PRIVATE_KEY_PEM",
        "DBPASSWORD",
        "JWT",
        "SMTP_PASS",
        "DISCORD_WEBHOOK_URL",
        "PRIVATE_KEY_GITHUB",
        "OPENAI_API_KEY_V2",
        "SITE_PASSWORD",
    ],
)
@pytest.mark.parametrize("value", ["canary", UNKNOWN])
def test_what_has_a_secrets_name_is_no_plain_value(name: str, value: Any) -> None:
    added = {"type": "plain_text", "name": name, "text": value}
    (message,) = found(SECRET, changed(VERSION, "bindings", [*BINDINGS, added]))
    assert name in message
    assert "canary" not in message
    pages = changed(PAGES, f"deploymentConfigs.production.envVars.{name}", {"type": "plain_text", "value": value})
    assert len(found(SECRET, pages)) == 1


@pytest.mark.parametrize(("name", "value"), [("RECOVERY_TOKENS", "839201847261"), ("COSMOS_PRIMARY_KEYS", "canary")])
def test_a_number_that_counts_nothing_may_be_a_secret(name: str, value: str) -> None:
    added = {"type": "plain_text", "name": name, "text": value}
    assert len(found(SECRET, changed(VERSION, "bindings", [*BINDINGS, added]))) == 1


def test_a_secret_inside_json_is_named_by_its_key() -> None:
    model = {"type": "json", "name": "MODEL", "json": '{"contextTokens": 8000, "a": [{"apiKey": "canary"}]}'}
    (message,) = found(SECRET, changed(VERSION, "bindings", [*BINDINGS, model]))
    assert "MODEL of type json, at apiKey, has a name that only secrets have" in message
    assert "canary" not in message


# Put together here, so that a scanner of this repository does not take them for real.
SHAPES = [
    "AKIA" + "A" * 16,
    "ghp_" + "a" * 36,
    "github_pat_" + "a" * 30,
    "xoxb-" + "1" * 12,
    "https://hooks.slack.com/" + "services/T0/B0/abc",
    "sk_" + "live_" + "a" * 24,
    "sk-" + "ant-" + "a" * 30,
    "AIza" + "b" * 35,
    "pul-" + "0" * 40,
    "eyJhbGciOiJ9." + "eyJzdWIiOiIx." + "c2lnbmF0dXJl",
    "-----BEGIN " + "EC PRIVATE KEY-----",
    "postgres://harbor:" + "hunter2@db.example/main",
    "https://discord.com/" + "api/webhooks/1234567890/abc-DEF_ghi",
    "Server=db.example;Password=" + "hunter2hunter2;",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_has_a_tokens_shape_is_no_plain_value(shape: str) -> None:
    for text in (shape, f"use {shape} here"):
        (message,) = found(SECRET, changed(VERSION, "bindings.3.text", text))
        assert "RELEASE" in message
        assert shape not in message
    in_json = json.dumps({"a": [{"b": shape}]})
    (message,) = found(SECRET, changed(VERSION, "bindings.1.json", in_json))
    assert shape not in message
    assert len(found(SECRET, changed(PAGES, "deploymentConfigs.preview.envVars.PLAIN.value", shape))) == 1


def test_a_secret_is_not_repeated_in_a_plain_value() -> None:
    for path, value in (
        ("bindings.3.text", "canary-of-the-stage"),
        ("bindings.3.text", "prefix canary-of-the-stage"),
        ("bindings.1.json", '{"a": "canary-of-the-stage"}'),
        ("bindings.1.json", '{"password": "canary"}'),
        ("bindings.1.json", '{"password": 123456}'),
        ("bindings.1.json", '{"a": [{"b": {"password": "canary"}}]}'),
        ("bindings.2.type", "plain_text"),
        ("bindings.2.type", "PLAIN_TEXT"),
    ):
        (message,) = found(SECRET, changed(VERSION, path, value))
        assert "canary" not in message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TURNSTILE_SITE_KEY", "0x4AAAAAAA"),
        ("VAPID_PUBLIC_KEY", "BAAAAAAA"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_AAAAAAAAAAAAAAAAAAAAAAAA"),
        ("API_KEY", ""),
        ("TOKEN_TTL", "3600"),
        ("KEYBOARD", "qwerty"),
        ("MONKEY", "no secret"),
        ("LINK", "https://harbor.example:8443/path/@somebody"),
        ("REPOSITORY", "git+ssh://git@github.com/harbor-inc/harbor"),
        ("MAIL", "desk@harbor.example"),
        ("TASK", "task-list-of-the-harbour-office"),
        ("MAX_TOKENS", "1024"),
        ("MAX_OUTPUT_TOKENS", "1"),
        ("CACHE_KEY", "v1"),
        ("PARTITION_KEY", "tenant"),
        ("CACHE_KEYS", "path,lang"),
        ("IDEMPOTENCY_KEY", "x-request-id"),
        ("CONTEXT_TOKENS", "8000"),
        ("USE_JWT", "true"),
        ("REQUIRE_PASSWORD", "False"),
        ("SENTRY_DSN", "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/42"),
        ("CACHE_PASSWORD_RESET_TTL", "3600"),
        ("STRIPE_WEBHOOK_URL", "https://staging.harbor.example/webhooks/stripe"),
        ("CREDENTIALS", "/run/harbor/credentials.json"),
        ("MAPBOX_TOKEN", "pk." + "eyJ1IjoiaGFyYm9yIn0"),
        ("SUPABASE_ANON_KEY", "eyJhbGciOiJI" + "." + "eyJzdWIiOiIx" + ".c2ln"),
    ],
)
def test_what_everybody_may_know_is_a_plain_value(name: str, text: str) -> None:
    added = {"type": "plain_text", "name": name, "text": text}
    assert found(SECRET, changed(VERSION, "bindings", [*BINDINGS, added])) == []


def test_a_key_in_json_is_a_word_unless_its_value_was_made_by_chance() -> None:
    ordinary = {"key": "sku-1", "labelKey": "menu.title", "items": [{"key": "a"}], "tokens": 800, "mapKey": "name"}
    secret = {"openaiKey": "9f8e7d6c5b4a39281706"}
    for value, count in ((ordinary, 0), (secret, 1), ({"apiKey": "canary"}, 1), ({"smtp": {"pass": "canary"}}, 1)):
        bound = {"type": "json", "name": "MENU", "json": json.dumps(value)}
        messages = found(SECRET, changed(VERSION, "bindings", [*BINDINGS, bound]))
        assert len(messages) == count, value
        assert not any("canary" in message or "9f8e" in message for message in messages)


def test_a_products_secret_is_known_by_its_name() -> None:
    bindings = [{"type": "plain_text", "name": "PAYMENT-key", "text": "canary"}]
    context = make_context("staging", of=SECOND_PRODUCT)
    (message,) = found(SECRET, make_resource(t.WORKERS_SCRIPT, bindings=bindings), context=context)
    assert "the product's secrets" in message


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN, *BINDINGS]])
def test_what_is_not_known_hides_nothing(value: Any) -> None:
    unknown = changed(VERSION, "bindings", value)
    broken = changed(changed(VERSION, "bindings.3.name", "API_KEY"), "bindings.0.text", "trace")
    broken = changed(broken, "bindings.4.text", "false")
    for rule in RULES.values():
        assert found(rule, unknown) == []
        assert found(rule, changed(VERSION, "bindings.0.text", UNKNOWN)) == []
        assert len(found(rule, unknown, broken)) == 1
        last = changed(broken, "bindings", [UNKNOWN, *broken.props["bindings"]])
        assert len(found(rule, last)) == 1


@pytest.mark.parametrize(
    ("environment", "setting", "said", "expected"),
    [
        ("production", "info", "info", 0),
        ("production", "info", "error", 0),
        ("production", "info", "debug", 1),
        ("production", "warn", "info", 1),
        ("production", "warn", "warn", 0),
        ("staging", "debug", "debug", 0),
        ("staging", "debug", "trace", 1),
        ("staging", "info", "debug", 1),
        ("development", "trace", "trace", 0),
        ("development", "info", "debug", 1),
        ("pr-42", "debug", "trace", 1),
        ("production", "info", "INFO", 1),  # the Workers know lower case only, and log everything at another word
        ("staging", "debug", "", 1),
        ("development", "trace", "verbose", 0),
    ],
)
def test_workers_log_what_the_settings_say(environment: str, setting: str, said: str, expected: int) -> None:
    context = make_context(environment, {"log": {"level": setting}})
    for resource, path in _levels():
        assert len(found(VERBOSE, changed(resource, path, said), context=context)) == expected


def test_production_logs_no_lower_than_info_whatever_the_settings_say() -> None:
    strict = make_context("production")
    log = strict.settings.log.model_copy(update={"level": "debug"})  # a model refuses it
    lax = replace(strict, settings=strict.settings.model_copy(update={"log": log}))
    assert found(VERBOSE, VERSION, context=lax) == []
    assert len(found(VERBOSE, changed(VERSION, "bindings.0.text", "debug"), context=lax)) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", 0), ("TRUE", 0), ("1", 0), (UNKNOWN, 0), ("false", 1), ("False", 1), ("0", 1), ("", 1), ("off", 1)],
)
def test_what_is_logged_is_masked(value: Any, expected: int) -> None:
    for environment in ("staging", "production"):
        resource = changed(VERSION, "bindings.4.text", value)
        assert len(found(UNMASKED, resource, context=make_context(environment))) == expected
    as_json = [{"type": "json", "name": "LOG_REDACT", "json": "false"}]
    assert len(found(UNMASKED, changed(VERSION, "bindings", as_json))) == 1
    lax = make_context("development", {"log": {"redact": False}})
    assert found(UNMASKED, changed(VERSION, "bindings.4.text", "false"), context=lax) == []


def _levels() -> list[tuple[ObservedResource, str]]:
    script = make_resource(t.WORKERS_SCRIPT, bindings=BINDINGS)
    return [
        (VERSION, "bindings.0.text"),
        (script, "bindings.0.text"),
        (PAGES, "deploymentConfigs.preview.envVars.LOG_LEVEL.value"),
    ]


def test_a_level_may_not_hide_in_json() -> None:
    as_json = [{"type": "json", "name": "LOG_LEVEL", "json": '"trace"'}]
    assert len(found(VERBOSE, changed(VERSION, "bindings", as_json))) == 1
    assert found(VERBOSE, changed(VERSION, "bindings.0.name", "OTHER_LEVEL")) == []
    canary = changed(VERSION, "bindings.0.text", "canary")
    (message,) = found(VERBOSE, canary)
    assert "canary" not in message
