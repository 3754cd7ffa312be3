"""What is taken for an unmarked secret, and what is left alone although it looks random."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from bulkhead.twin.secrets import suspects, told


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


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
    "by its name and with spaces": {"password": "correct horse battery staple"},
    "a password without a user": {"url": "redis://:" + "hunter2@cache.example:6379"},
    "a Discord webhook": {"target": "https://discord.com/" + "api/webhooks/1234567890/abc-DEF_ghi"},
    "a Teams webhook": {"target": "https://harbor.webhook.office.com/" + "webhookb2/6f1f8a52@7d1f/IncomingWebhook/a/b"},
    "a Power Automate webhook": {
        "target": "https://prod-01.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?"
        + "api-version=2016&sig=aB3dE5gH7jK9mN1pQ4s"
    },
    "a PagerDuty integration": {
        "target": "https://events.pagerduty.com/" + "integration/0123456789abcdef0123456789abcdef/enqueue"
    },
    "a Google Chat webhook": {"target": "https://chat.googleapis.com/" + "v1/spaces/AAA/messages?key=abc&token=def"},
    "a Telegram bot": {"target": "https://api.telegram.org/" + "bot123456:ABC-DEF/sendMessage"},
    "a routing key": {"routingKey": "0123456789abcdef0123456789abcdef"},
    "in a query": {"target": "https://chat.example/hook?token=" + "0123456789abcdef"},
    "a signed address": {"target": "https://x.s3.amazonaws.com/y?X-Amz-Signature=" + "0123456789abcdef" * 4},
    "in a header": {"headers": ["Authorization: Bearer " + "abcdef0123456789"]},
    "in a header of a login without a digit": {"headers": ["Basic " + encoded("user:" + "passw0rd12")]},
    "in XML": {"text": '<server><id>x</id><password secure="no">' + "hunter2hunter2</password></server>"},
    "in a connection string": {"text": "Server=db.example;User=harbor;Password=" + "hunter2hunter2;"},
    "in an environment file": {"text": "STAGE=production\nexport DB_PASSWORD=" + "hunter2hunter2\n"},
    "in JSON": {"text": json.dumps({"db": {"password": "correct-horse"}})},
    "in JSON in a text": {"text": "config: " + json.dumps([{"name": "DB_PASSWORD", "value": "correct-horse"}]) + "."},
    "in JSON in JSON": {"text": json.dumps({"inner": json.dumps({"clientSecret": "0123456789abcdef"})})},
    "in base64": {"userData": encoded("#!/bin/sh\ncurl -H 'X: ghp_" + LETTERS + "'")},
    "in base64 of JSON in JSON": {"text": json.dumps({"data": encoded(json.dumps({"password": "correct-horse"}))})},
    "in hexadecimal": {"text": f"0x{('ghp_' + LETTERS).encode().hex()}"},
    "in a part of a URL": {"text": "https://x.example/?next=" + quote("https://u:" + "hunter2@y.example/", safe="")},
    "in the name of a property": {"ghp_" + LETTERS: "x"},
    "a random name of a property": {LETTERS: "x"},
    "in a URN": {"urn": "urn:pulumi:staging::toys::toy:index:Thing::ghp_" + LETTERS},
    "a random name in a URN": {"urn": f"urn:pulumi:staging::toys::toy:index:Thing::{LETTERS}"},
    "a private JSON web key": {"jwk": {"kty": "oct", "k": LETTERS}},
    "in a list of capitals": {"Environment": [{"Name": "DB_PASSWORD", "Value": "correct-horse"}]},
    "the default of a parameter": {"Parameters": {"DbPassword": {"Type": "String", "Default": "correct-horse"}}},
    "a short name": {"SMTP_PASS": "hunter2hunter2"},
    "a name with its number": {"API_KEY_V2": "0123456789abcdef"},
    "a name with its stage": {"DB_PASSWORD_PRODUCTION": "hunter2hunter2"},
    "a key by its name and look": {"STRIPE_KEY": "abc123def456ghi789"},
    "a header": {"headers": {"Authorization": "Token " + "0123456789abcdef"}},
    "a registry's login": {"auths": {"ghcr.io": {"auth": encoded("harbor:" + "hunter2hunter2")}}},
    "in YAML": {"text": "db:\n  - password: correct-horse-battery\n"},
    "in YAML, encoded": {"text": "kind: Secret\ndata:\n  password: " + encoded("hunter2hunter2")},
    "in an INI file": {"text": "[db]\npassword = " + "hunter2hunter2\n"},
    "in a flag": {"command": ["run", "--db-password=" + "hunter2hunter2"]},
    "in a command": {"userData": "docker run -e DB_PASSWORD=" + "hunter2hunter2 harbor"},
    "in a login": {"userData": "curl -u harbor:" + "hunter2hunter2 https://x.example"},
    "in the name of a data source": {"text": "harbor:" + "hunter2@tcp(db.example:3306)/x"},
    "a password with a sign": {"url": "postgres://user:" + "p#ss?w0rd@db.example/x"},
    "a random key in small letters": {"text": "k8ysd849b0ecaxmqy69khbu1pc7oh7f1jjg3wn83"},
    "a deploy hook": {
        "url": "https://api.cloudflare.com/client/v4/pages/webhooks/deploy_hooks/"
        + "6f1f8a52-7d1f-4f43-8f5c-2f0f4d1f9a10"
    },
    "a hook of a chat": {"url": "https://chat.harbor.example/hooks/" + "abcdefgh1234567890abcdefgh"},
    "a hook by its host": {"url": "https://hook.eu1.make.example/" + "abcdefgh1234567890abcdefgh"},
    "a Cloudflare origin key": {"doc": "v1.0-" + "0123456789abcdef01234567-" + "0123456789abcdef" * 9},
    "a Vault token": {"doc": "hvs." + LETTERS},
    "a Databricks token": {"doc": "dapi" + "0123456789abcdef" * 2},
    "a Tailscale key": {"doc": "tskey-auth-" + "kABCDEFGHIJK-abcdefghijklmnopqrstuvwx"},
    "a Hugging Face token": {"doc": "hf_" + "QNqXrtFihRuySZubEgnUVvGcnENCBhKgGD"},
    "a bot's token": {"doc": "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs"},
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
    "a sentence": {"secretNote": "see the runbook for who has it"},
    "references under the names of properties": {
        "propertyDependencies": {"password": ["urn:pulumi:staging::toys::toy:index:Thing::it"]},
        "additionalSecretOutputs": ["password", "clientSecret"],
        "provider": "urn:pulumi:staging::toys::pulumi:providers:aws::aws::6f1f8a52-7d1f-4f43-8f5c-2f0f4d1f9a10",
    },
    "a token that is none": {"creationToken": "terraform-20261121000000", "nextToken": "page-two-of-many"},
    "a public key": {"jwk": {"kty": "EC", "x": LETTERS, "y": LETTERS}, "publicKey": LETTERS},
    "an address with a port": {"url": "https://db.example:5432/x@y", "at": "https://x.example/?mail=a:b@c.example"},
    "an address with a query": {"url": "https://x.example/?key=config.json&code=not-found-in-this-stage"},
    "a policy in base64": {
        "text": encoded(json.dumps({"Statement": [{"Action": "s3:GetObject", "Sid": "ReadToken"}]}))
    },
    "a scheme and a word": {"text": "Basic AuthenticationSchemeIsRequired"},
    "an element of a template": {"text": "<password>${db.password}</password><token></token><secret>a.b</secret>"},
    "a script": {
        "text": "#!/bin/sh\nTOKEN=$(cat /run/token)\nPASSWORD=${PASSWORD}\nsecret=env.SECRET_NAME;token=e.token(1)\n"
    },
    "a scheme": {"authorization": "Bearer authentication-is-needed-here", "type": "Basic authentication"},
    "a path": {"key": "/harbor/production/session-key", "parameter": "/aws/reference/secretsmanager/harbor-production"},
    "a document that is none": {"text": '{{ not json }} [x] {"a": '},
    "enumerations of AWS": {
        "metadataOptions": {"httpTokens": "required"},
        "kmsEncryptionKey": "AWS_OWNED_KMS_KEY",
        "volumeEncryptionKey": "alias/aws/workspaces",
        "authorization": "COGNITO_USER_POOLS",
    },
    "the name of a secret elsewhere": {
        "environmentVariables": [
            {"name": "DB_PASSWORD", "type": "SECRETS_MANAGER", "value": "harbor/production/db:password"},
            {"name": "API_TOKEN", "type": "PARAMETER_STORE", "value": "/harbor/production/api-token"},
        ],
        "masterUserPassword": "{{resolve:secretsmanager:harbor:SecretString:password}}",
    },
    "a template": {
        "url": "postgres://${DB_USER}:${DB_PASSWORD}@db.example/x",
        "text": "API_TOKEN: ${{ secrets.API_TOKEN }}\npassword: ${PASSWORD}\nhttps://{{user}}:{{pass}}@x.example",
    },
    "an address of webhooks": {
        "url": "https://api.harbor.example/webhooks/stripe",
        "hook": "https://api.github.com/repos/harbor-inc/harbor/hooks/123456789",
        "tree": "https://github.com/o/webhook-service/tree/0123456789abcdef0123456789abcdef01234567",
    },
    "a version": {"s3ObjectVersion": "3sL4kqtJlcpXroDTDmJxrmSpXd3dIbrHYZMTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"},
    "what is shown to everybody": {
        "siteToken": "0123456789abcdef" * 2,
        "lockToken": "6f1f8a52-7d1f-4f43-8f5c-2f0f4d1f9a10",
        "integrity": f"sha512-{LETTERS}{LETTERS}",
        "SENTRY_DSN": "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.example/2",
    },
    "a temporary file": {"code": "/var/folders/h7/n3r2j28517g5bbvlkn1l_h_80000gn/T/pulumi-archive203107759"},
    "a key that finds something": {
        "partitionKey": "tenant0123456789abcdef",
        "labelKey": "harbor0123456789stage",
        "s3Key": "0123456789abcdef0123456789abcdef",
        "key": "0123456789abcdef0123456789abcdef",
        "kmsKey": "6f1f8a52-7d1f-4f43-8f5c-2f0f4d1f9a10",
    },
    "minified code": {"code": "var a=1;secret=undefined;let b={token:undefined,password:null}"},
    "words that begin as tokens do": {
        "a": "vcr_retention_days_default_90",
        "b": "sk-loading-indicator-of-the-page",
        "c": "2018-250-xo" + "xo-indieweb-1.jpg",
        "d": "key-rotation-2026-harbor-production",
        "e": "cluster-nodeSecurityGroup-3af21c8",
    },
    "the stand-in": {
        "url": "postgres://user:" + "stand-in@db.example",
        "env": "DB_PASSWORD=stand-in-stand-in\nA=b",
        "apiToken": "stand-in",
        "text": "stand-in",
        "token": "prefix-stand-in-suffix",
    },
}


@pytest.mark.parametrize("value", SECRETS.values(), ids=SECRETS)
def test_an_unmarked_secret_is_found_once(value: dict[str, Any]) -> None:
    found = list(suspects(value, "stand-in", ("inputs",)))
    assert len({path for path, _ in found}) == 1
    assert all(what for _, what in found)


@pytest.mark.parametrize("value", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_like_one_is_left_alone(value: dict[str, Any]) -> None:
    assert list(suspects(value, "stand-in")) == []


def test_what_is_inside_of_a_text_is_told_at_the_place_of_the_text() -> None:
    value = {"config": [json.dumps({"db": {"password": "correct-horse"}})]}
    [(path, what)] = suspects(value, "x")
    assert path == ("config", 0)
    assert what == "a secret by the name of its property in JSON at db.password"


@pytest.mark.parametrize(
    "name", ["ghp_" + LETTERS, LETTERS, encoded("ghp_" + LETTERS), json.dumps({"password": LETTERS})]
)
def test_a_name_that_is_a_secret_is_not_told(name: str) -> None:
    assert name not in told(name, "x")
    inner = json.dumps({name: {"password": "correct-horse-" + LETTERS}})
    assert [each for _, each in suspects({"config": inner}, "x") if name in each or LETTERS in each] == []
    assert told("clientSecret", "x") == "clientSecret"


def test_the_place_is_told() -> None:
    value = {"a": [{"b": 1}, {"clientSecret": "0123456789abcdef"}]}
    assert [path for path, _ in suspects(value, "x", ("outputs",))] == [("outputs", "a", 1, "clientSecret")]
