"""A secret planted at any position of a state is in no twin and in no message, and a state without one has a twin."""

from __future__ import annotations

import base64
import copy
import itertools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import quote

import pytest

from bulkhead.engine.stack import StackCli
from bulkhead.model.faults import Refused
from bulkhead.preview.leaks import leaks
from bulkhead.resources.sentinels import SECRET, SIGNATURE
from bulkhead.twin.publish import refuse_values
from bulkhead.twin.state import Twin, redact
from tests.support.stages import PRODUCTS, STAGES, rendered_identities, rendered_stage
from tests.support.state import state_of

Path = tuple[str | int, ...]

LETTERS = "aB3dE5gH7jK9mN1pQ4sT6vW8yZ0cF2xR5uL3"
PLANTED = {
    "a GitHub token": "ghp_" + LETTERS,
    "a Cloudflare token": "cfut_" + LETTERS + "abcd01234567",
    "a random key": LETTERS,
    "a private key": "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n",
    "a Slack webhook": "https://hooks.slack.com/" + "services/T0ABCDEFG/B0ABCDEFG/" + LETTERS[:24],
    "a Discord webhook": "https://discord.com/" + "api/webhooks/123456789012/" + LETTERS,
    "a password in a URL": "redis://:" + "hunter2-" + LETTERS + "@cache.harbor.example:6379",
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0." + LETTERS,
}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "in JSON": lambda secret: json.dumps({"db": {"password": secret}}),
    "in JSON in JSON in a text": lambda secret: f"config: {json.dumps({'a': json.dumps([{'clientSecret': secret}])})}.",
    "in base64": encoded,
    "in base64 of JSON in JSON": lambda secret: json.dumps({"data": encoded(json.dumps({"token": secret}))}),
    "quoted for a URL": lambda secret: f"https://x.example/?password={quote(secret, safe='')}",
    "in hexadecimal": lambda secret: secret.encode().hex(),
    "in a list of names and values": lambda secret: json.dumps([{"name": "API_TOKEN", "value": secret}]),
}
TOYS = "urn:pulumi:staging::toys::"


def closed() -> dict[str, str]:
    return {SIGNATURE: SECRET, "ciphertext": "v1:bm9uY2U=:Y2lwaGVydGV4dA=="}


def whole() -> dict[str, Any]:
    """Return a state with everything that the engine writes into one (sdk/go/common/apitype/core.go)."""
    provider = {
        "urn": f"{TOYS}pulumi:providers:cloudflare::account",
        "type": "pulumi:providers:cloudflare",
        "custom": True,
        "id": "6f1f8a52-7d1f-4f43-8f5c-2f0f4d1f9a10",
        "inputs": {"apiToken": closed(), "version": "6.1.0"},
        "outputs": {"apiToken": closed(), "version": "6.1.0"},
    }
    worker = {
        "urn": f"{TOYS}bulkhead:index:Worker$cloudflare:index/worker:Worker::web",
        "type": "cloudflare:index/worker:Worker",
        "custom": True,
        "id": "0123456789abcdef0123456789abcdef",
        "parent": f"{TOYS}bulkhead:index:Worker::web",
        "provider": f"{provider['urn']}::{provider['id']}",
        "inputs": {
            "name": "harbor-staging-web",
            "bindings": [{"name": "STAGE", "type": "plain_text", "text": "staging"}],
            "policy": json.dumps({"Statement": [{"Sid": "ReadOnly", "Action": ["s3:GetObject"]}]}),
        },
        "outputs": {
            "id": "0123456789abcdef0123456789abcdef",
            "etag": "d41d8cd98f00b204e9800998ecf8427e",
            "__meta": json.dumps({"schema_version": "500", "private_state": "x"}),
            "__pulumi_raw_state_delta": {"obj": {"ps": {"a": {"replace": {"raw": "x"}}}}},
        },
        "dependencies": [f"{TOYS}toy:index:Thing::first"],
        "propertyDependencies": {"name": [f"{TOYS}toy:index:Thing::first"], "password": []},
        "additionalSecretOutputs": ["password"],
        "aliases": [f"{TOYS}toy:index:Thing::formerly"],
        "initErrors": ["it took too long"],
        "customTimeouts": {"create": 600},
        "importID": "harbor/web",
        "ignoreChanges": ["bindings"],
        "deletedWith": provider["urn"],
        "created": "2026-11-21T10:00:00Z",
        "modified": "2026-11-21T10:00:00Z",
        "sourcePosition": "project:///x.py#1,2",
        "protect": True,
        "somethingNew": {"of": ["a later engine"]},
    }
    pending = {"type": "creating", "resource": worker | {"id": ""}, "note": "of a later engine"}
    return {
        "version": 3,
        "deployment": {
            "manifest": {
                "time": "2026-11-21T10:00:00Z",
                "magic": "abc",
                "version": "v3.250.0",
                "plugins": [{"path": "/x"}],
            },
            "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:abc"}},
            "resources": [provider, worker],
            "pending_operations": [pending],
            "metadata": {"integrity_error": {"command": "up"}},
        },
    }


def positions(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield every text of a value, and every name of a property with a None behind it."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield (*path, name, -1)
            yield from positions(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from positions(part, (*path, index))
    elif isinstance(value, str):
        yield path


def planted(state: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    state = copy.deepcopy(state)
    *before, last = path
    name = None
    if last == -1:
        *before, name = before
    part: Any = state
    for step in before:
        part = part[step]
    if name is not None:
        part[text] = part.pop(name)
    else:
        part[last] = text
    return state


def shown(state: dict[str, Any]) -> str:
    """Return everything that somebody would see of a state: its twin, or why it has none."""
    try:
        return json.dumps(redact(state, "toys", "staging").body(), ensure_ascii=False)
    except Refused as refused:
        return "\n".join([str(refused), *(f"{f.key} {f.message} {f.fix} {f.file}" for f in refused.faults)])


EVERYWHERE = [path for path in positions(whole()) if path[-1] != -1 or (path[:-1] != ("deployment",) and len(path) > 2)]
CASES = list(itertools.product(PLANTED, WRITTEN))
LOOKS_RANDOM = {"id", "importID", "etag"}  # as every cloud's own do
# One case at each position, another one at the next: together they are at every position of some kind many times.
# With EVERY_CASE=1, each case is planted at each position (minutes).
ALL = bool(os.environ.get("EVERY_CASE"))


@pytest.mark.parametrize("number", range(len(EVERYWHERE)))
def test_a_planted_secret_is_shown_nowhere(number: int) -> None:
    path, state = EVERYWHERE[number], whole()
    for kind, form in CASES if ALL else [CASES[(number * 7 + turn * 13) % len(CASES)] for turn in range(3)]:
        if kind == "a random key" and path[-1] in LOOKS_RANDOM and form in {"as it is", "in base64", "in hexadecimal"}:
            continue
        secret = PLANTED[kind]
        text = shown(planted(state, path, WRITTEN[form](secret)))
        found = leaks(text, {"planted": secret})
        assert not found, (kind, form, path, found)


def test_the_state_that_is_planted_into_has_a_twin() -> None:
    twin = redact(whole(), "toys", "staging")
    assert [resource["urn"] for resource in twin.resources] == [
        resource["urn"] for resource in whole()["deployment"]["resources"]
    ]


def test_the_input_of_what_the_program_calls_a_secret_output_goes_as_well() -> None:
    state = whole()
    worker = state["deployment"]["resources"][1]
    worker["inputs"]["password"] = worker["outputs"]["password"] = "correct-horse"
    assert "correct-horse" not in shown(state)
    assert redact(state, "toys", "staging").redacted["cloudflare:index/worker:Worker"] == 4


@pytest.mark.parametrize("part", ["id", "inputs", "initErrors", "urn"])
def test_a_copy_of_what_is_known_to_be_a_secret_is_refused(part: str) -> None:
    state = whole()
    provider, worker = state["deployment"]["resources"]
    worker["outputs"]["password"] = "correct-horse-7"
    copied = "as in correct-horse-7"
    provider[part] = {
        "inputs": {"note": copied},
        "initErrors": [copied],
        "urn": f"{provider['urn']}correct-horse-7",
    }.get(part, copied)
    with pytest.raises(Refused, match="a copy of what is a secret elsewhere") as refused:
        redact(state, "toys", "staging")
    assert "correct-horse" not in str(refused.value)


def test_a_secret_that_is_a_word_is_no_copy_of_the_names_that_hold_it() -> None:
    state = whole()
    state["deployment"]["resources"][1]["outputs"]["password"] = "cloudflare"
    assert "cloudflare" in shown(state)
    assert redact(state, "toys", "staging").resources


@pytest.mark.parametrize("environment", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("program", [rendered_stage, rendered_identities])
def test_a_stage_has_a_twin(program: Callable[[str, str], Any], product: str, environment: str) -> None:
    rendered = program(product, environment)
    project = rendered.resources[0].project
    resources = [one for one in state_of(rendered, environment) if f"::{project}::" in one["urn"]]
    assert len(resources) > 10
    twin = redact({"version": 3, "deployment": {"resources": resources}}, project, environment)
    assert len(twin.resources) == len(resources)


@pytest.mark.parametrize("name", ["thing", "thing-correct-horse-7", encoded("correct-horse-7-battery")])
def test_a_value_that_stands_in_the_twin_is_told_by_its_name_alone(name: str) -> None:
    class Stack:
        def secrets(self) -> dict[str, str]:
            return {"sessionKey": "correct-horse-7"}

    one = {"urn": f"{TOYS}toy:index:Thing::{name}", "type": "toy:index:Thing", "outputs": {"note": "correct-horse-7"}}
    twin = Twin("toys", "staging", {"resources": [one]})
    with pytest.raises(Refused) as refused:
        refuse_values(twin, cast(StackCli, Stack()))
    said = str(refused.value)
    assert "sessionKey" in said
    assert not leaks(said, {"sessionKey": "correct-horse-7"})
