"""What is taken for an unmarked secret, and what is left alone although it looks random."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.twin.secrets import suspects

# Made up here and joined at run time: as a whole they would be taken for leaked ones.
LETTERS = "aB3dE5gH7jK9mN1pQ4sT6vW8yZ0cF2xR5uL3"
SECRETS: dict[str, dict[str, Any]] = {
    "a private key": {"doc": "-----BEGIN EC " + "PRIVATE KEY-----\nabc"},
    "a private key without a kind": {"doc": "x -----BEGIN " + "PRIVATE KEY-----"},
    "an AWS key": {"doc": f'{{"id": "{"AKIA" + "ABCDEFGH234567YZ"}"}}'},
    "a temporary AWS key": {"doc": "ASIA" + "ABCDEFGH234567YZ"},
    "a GitHub token": {"doc": "ghp_" + LETTERS},
    "an installation's token": {"doc": "ghs_" + LETTERS},
    "a fine-grained token": {"doc": "github_pat_" + LETTERS},
    "a Cloudflare user token": {"doc": "cfut_" + LETTERS + "abcd01234567"},
    "a Cloudflare account token": {"id": "cfat_" + LETTERS + "abcd01234567"},
    "a Cloudflare key": {"doc": "cfk_" + LETTERS + "abcd01234567"},
    "a Slack token": {"doc": "xoxb-" + "123456789012-abcdef"},
    "a Slack webhook": {"target": "https://hooks.slack.com/" + "services/T0/B0/abc"},
    "a Pulumi token": {"doc": "pul-" + "0123456789" * 4},
    "an API key": {"doc": "sk-ant-" + LETTERS},
    "a JSON web token": {"doc": "Bearer eyJhbGciOiJI" + "." + "eyJzdWIiOiIx" + ".c2ln"},
    "a password in a URL": {"address": "postgres://user:" + "hunter2@db.example/x"},
    "a random key": {"text": LETTERS},
    "a random base64 key": {"text": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="},
    "by its name": {"apiToken": "0123456789abcdef"},
    "by its name in capitals": {"SLACK_WEBHOOK": "https://chat.example/x"},
    "by its name in a list": {"passwords": ["correct-horse"]},
    "by the name beside it": {"name": "GITHUB_TOKEN", "type": "plain_text", "text": "0123456789abcdef"},
    "by the variable's name": {"variableName": "DB_PASSWORD", "value": "correct-horse"},
    "by its type": {"name": "ANYTHING", "type": "secret_text", "text": "correct-horse"},
    "deep below": {"a": [{"b": {"c": ["x", {"clientSecret": "0123456789abcdef"}]}}]},
}
HARMLESS: dict[str, dict[str, Any]] = {
    "an id": {"id": "0123456789abcdef0123456789abcdef", "accountId": "f" * 32},
    "a random id": {"versionId": "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"},
    "a UUID": {"etag": "6f1f8a52-7d1f-4f43-8f5c-2f0f4d1f9a10", "pipeline": "6f1f8a52-7d1f-4f43-8f5c-2f0f4d1f9a10"},
    "an ETag": {"etag": 'W/"d41d8cd98f00b204e9800998ecf8427e"'},
    "a hash": {"contentSha256": "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=", "sourceHash": "b" * 64},
    "a hash in an annotation": {"workersTag": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
    "an ARN": {"roleArn": "arn:aws:iam::444455556666:role/bulkhead-staging", "token": "arn:aws:iam::444455556666:x"},
    "a node": {"nodeId": "MDEwOlJlcG9zaXRvcnkxMjk2MjY5MTIzNDU2Nzg5MDEy"},
    "a policy": {"policy": '{"Statement": [{"Sid": "DenyUnencrypted", "Action": "secretsmanager:GetSecretValue"}]}'},
    "the name of a secret": {"secretName": "SLACK_WEBHOOK", "name": "harbor-production-session-key"},
    "an address": {"url": "https://staging.harbor.example/api?x=1", "git": "ssh://git@github.com/harbor-inc/harbor"},
    "a long name": {"name": "harbor-development-worker-assistant-conversation-history-2026"},
    "a long word": {"sid": "AllowCloudWatchAlarmsToPublishToThisTopicOfStage2"},
    "code": {"code": "const token = env.TOKEN; export default { fetch: () => new Response('password') }"},
    "an empty secret": {"password": "", "token": "none"},
    "what is no text": {"password": None, "tokens": 12345678901, "secret": True},
    "a sentence": {"secret": "see the runbook for who has it"},
    "the stand-in": {"apiToken": "stand-in", "text": "stand-in", "token": "prefix-stand-in-suffix"},
}


@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS)
def test_an_unmarked_secret_is_found_once(value: dict[str, Any]) -> None:
    found = list(suspects(value, "stand-in", ("inputs",)))
    assert len({path for path, _ in found}) == 1
    assert all(what for _, what in found)


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_like_one_is_left_alone(value: dict[str, Any]) -> None:
    assert list(suspects(value, "stand-in")) == []


def test_the_place_is_told() -> None:
    value = {"a": [{"b": 1}, {"clientSecret": "0123456789abcdef"}]}
    assert [path for path, _ in suspects(value, "x", ("outputs",))] == [("outputs", "a", 1, "clientSecret")]
