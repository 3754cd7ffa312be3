"""Redacting a state: every secret goes, nothing else does, and what cannot be judged is refused."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bulkhead.model.faults import Refused
from bulkhead.preview.leaks import leaks
from bulkhead.resources.sentinels import PLACEHOLDER
from bulkhead.twin.settled import settled
from bulkhead.twin.state import CIPHERTEXT, PASSPHRASE, SALT, read_twin, redact, secret

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
CANARY = "canary-of-a-secret-value"
THING = "toy:index:Thing"


def closed(text: str = "v1:bm9uY2U=:Y2lwaGVydGV4dA==") -> dict[str, str]:
    return {SIGNATURE: SECRET, "ciphertext": text}


def resource(name: str = "thing", type_: str = THING, **parts: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:staging::toys::{type_}::{name}", "type": type_, "custom": True, **parts}


def state(*resources: dict[str, Any], **parts: Any) -> dict[str, Any]:
    manifest = {"time": "2026-11-21T10:00:00Z", "magic": "abc", "version": "v3.250.0"}
    keys = {"type": "cloud", "state": {"url": "awskms://alias/theirs", "encryptedkey": "a2V5"}}
    deployment = {"manifest": manifest, "secrets_providers": keys, "resources": list(resources), **parts}
    return {"version": 3, "deployment": deployment}


def only(export: dict[str, Any]) -> dict[str, Any]:
    """Return the one resource of the twin of a state."""
    (one,) = redact(export, "toys", "staging").resources
    return one


def test_secrets_are_replaced_wherever_they_stand() -> None:
    inputs = {
        "leaf": closed(),
        "list": [closed(), "text", {"deep": closed()}],
        "plain": "text",
        "number": 3,
        "no": None,
    }
    twin = redact(state(resource(inputs=inputs, outputs={"told": closed()})), "toys", "staging")
    (one,) = twin.resources
    assert one["inputs"] == {**inputs, "leaf": secret(), "list": [secret(), "text", {"deep": secret()}]}
    assert one["outputs"] == {"told": secret()}
    assert twin.redacted == {THING: 4}
    assert "ciphertext" not in json.dumps(twin.body())


@pytest.mark.parametrize(
    "opened", [closed() | {"plaintext": json.dumps(CANARY)}, {SIGNATURE: SECRET, "plaintext": json.dumps([CANARY])}]
)
def test_a_state_that_was_exported_with_its_secrets_open_is_redacted_too(opened: dict[str, str]) -> None:
    twin = redact(state(resource(inputs={"leaf": opened})), "toys", "staging")
    assert twin.resources[0]["inputs"] == {"leaf": secret()}
    assert not leaks(json.dumps(twin.body()), {"key": CANARY})


def test_secrets_inside_of_json_text_are_replaced() -> None:
    text = json.dumps({"tags": {"a": "b"}, "password": closed()})
    one = only(state(resource(inputs={"settings": text, "broken": f"{{{SIGNATURE}"})))
    assert json.loads(one["inputs"]["settings"]) == {"tags": {"a": "b"}, "password": secret()}
    assert one["inputs"]["broken"] == PLACEHOLDER


def test_operations_that_were_cut_off_are_redacted() -> None:
    pending = [{"type": "creating", "resource": resource(inputs={"leaf": closed()})}]
    twin = redact(state(pending_operations=pending), "toys", "staging")
    assert twin.deployment["pending_operations"][0]["resource"]["inputs"] == {"leaf": secret()}
    assert twin.redacted == {THING: 1}


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        ("pulumi:providers:cloudflare", "apiToken"),
        ("pulumi:providers:aws", "secretKey"),
        ("pulumi:providers:github", "token"),
        ("aws:secretsmanager/secretVersion:SecretVersion", "secretString"),
        ("cloudflare:index/accountToken:AccountToken", "value"),
        ("cloudflare:index/turnstileWidget:TurnstileWidget", "secret"),
        ("github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret", "value"),
        ("github:index/dependabotSecret:DependabotSecret", "plaintextValue"),
        ("aws:iam/userLoginProfile:UserLoginProfile", "encryptedPassword"),
    ],
)
def test_what_is_a_secret_by_its_nature_goes_although_the_state_does_not_mark_it(type_: str, name: str) -> None:
    one = only(state(resource("it", type_, inputs={name: CANARY}, outputs={name: CANARY, "other": "stays"})))
    assert one["inputs"] == {name: secret()}
    assert one["outputs"] == {name: secret(), "other": "stays"}


def test_outputs_that_the_program_called_secret_go() -> None:
    one = only(
        state(resource(outputs={"told": CANARY, "empty": ""}, additionalSecretOutputs=["told", "empty", "gone"]))
    )
    assert one["outputs"] == {"told": secret(), "empty": ""}


def test_neither_times_nor_paths_of_the_machine_make_a_difference() -> None:
    first = state(resource(sourcePosition="project:///home/somebody/x.py#1", stackTrace=[{"sourcePosition": "y"}]))
    second = state(resource())
    second["deployment"]["manifest"]["time"] = "2027-01-01T00:00:00Z"
    twins = [redact(each, "toys", "staging") for each in (first, second)]
    assert twins[0].body() == twins[1].body()
    assert twins[0].digest() == twins[1].digest()
    assert "somebody" not in json.dumps(twins[0].body())


def test_what_is_not_known_of_a_state_does_not_get_into_its_twin() -> None:
    export = state(metadata={"note": CANARY}, news=[CANARY])
    export["deployment"]["manifest"]["plugins"] = [{"path": CANARY}]
    assert CANARY not in json.dumps(redact(export, "toys", "staging").body())


def test_the_twin_of_a_twin_is_the_same() -> None:
    twin = redact(state(resource(inputs={"leaf": closed()})), "toys", "staging")
    assert redact(twin.body(), "toys", "staging").body() == twin.body()


def test_a_state_is_not_changed_by_being_redacted() -> None:
    export = state(resource("it", "pulumi:providers:aws", inputs={"secretKey": CANARY, "list": [closed()]}))
    before = copy.deepcopy(export)
    redact(export, "toys", "staging")
    assert export == before


@pytest.mark.parametrize("deployment", [None, {}, {"manifest": {}, "resources": None, "pending_operations": None}])
def test_an_empty_stack_has_an_empty_twin(deployment: Any) -> None:
    twin = redact({"version": 3, "deployment": deployment}, "toys", "staging")
    assert twin.resources == []
    assert twin.redacted == {}


@pytest.mark.parametrize(
    "export", [{}, {"version": 2, "deployment": {}}, {"version": 4, "deployment": {}}, {"version": 3, "deployment": []}]
)
def test_what_is_no_state_is_refused(export: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="version"):
        redact(export, "toys", "staging")


@pytest.mark.parametrize(
    "part",
    [
        {"resources": ["x"]},
        {"resources": {"a": 1}},
        {"resources": [{"type": THING}]},
        {"resources": [resource() | {"type": None}]},
        {"resources": [resource(inputs=["a"])]},
        {"resources": [resource(additionalSecretOutputs="told")]},
        {"pending_operations": [resource()]},
        {"pending_operations": ["creating"]},
    ],
)
def test_a_state_with_something_else_in_it_is_refused(part: dict[str, Any]) -> None:
    export = state()
    export["deployment"] |= part
    with pytest.raises(Refused, match="no resource with a URN"):
        redact(export, "toys", "staging")


@pytest.mark.parametrize("urn", ["urn:pulumi:production::toys::t::n", "urn:pulumi:staging::other::t::n", "staging"])
def test_another_stacks_state_is_refused(urn: str) -> None:
    with pytest.raises(Refused) as refused:
        redact(state(resource() | {"urn": urn}), "toys", "staging")
    assert urn in str(refused.value)


def test_every_unmarked_secret_is_named_with_its_place_and_without_its_value() -> None:
    token = "ghp_" + "a1B2c3D4e5F6" * 3
    resources = [resource("one", inputs={"settings": [{"deep": token}]}), resource("two", outputs={"password": CANARY})]
    with pytest.raises(Refused) as refused:
        redact(state(*resources), "toys", "staging")
    assert [fault.key for fault in refused.value.faults] == ["one: inputs.settings[0].deep", "two: outputs.password"]
    assert token not in str(refused.value)
    assert CANARY not in str(refused.value)


def test_the_public_key_opens_the_placeholder() -> None:
    _, salt, check = SALT.split(":", 2)
    key = hashlib.pbkdf2_hmac("sha256", PASSPHRASE.encode(), base64.b64decode(salt), 1_000_000, 32)

    def opened(text: str) -> str:
        _, nonce, data = text.split(":")
        return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(data), None).decode()

    assert opened(check) == "pulumi"
    assert opened(CIPHERTEXT) == PLACEHOLDER


def test_the_placeholder_has_the_form_of_a_cloudflare_token() -> None:
    assert len(PLACEHOLDER) == 40
    assert PLACEHOLDER.isalnum()


def plan(**goal: Any) -> dict[str, Any]:
    return {"resourcePlans": {resource()["urn"]: {"goal": goal}}}


def computed(value: Any) -> dict[str, Any]:
    return plan(inputDiff={"updates": {"leaf": value, "deep": {"in": [value, "b"]}, "plain": "changed"}})


def settled_resource(made: dict[str, Any]) -> dict[str, Any]:
    parts = {"leaf": closed(), "deep": {"in": [closed(), "b"]}, "plain": "text", "other": closed()}
    twin = redact(state(resource(inputs=parts, outputs=parts)), "toys", "staging")
    (one,) = settled(twin, made).resources
    return one


@pytest.mark.parametrize("value", [f"a{PLACEHOLDER}b", "0f" * 32, {"k": PLACEHOLDER}, [1, 2], None])
def test_what_the_program_derives_takes_the_placeholders_place_and_nothing_else_changes(value: Any) -> None:
    one = settled_resource(computed(secret(value)))
    wanted = {"leaf": secret(value), "deep": {"in": [secret(value), "b"]}, "plain": "text", "other": secret()}
    assert one["inputs"] == wanted
    assert one["outputs"] == wanted


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.mark.parametrize(
    "value", [secret(UNKNOWN), secret({"part": UNKNOWN}), UNKNOWN, {"part": [UNKNOWN]}, closed(), None]
)
def test_what_is_not_known_leaves_the_placeholder(value: Any) -> None:
    one = settled_resource(computed(value))
    assert one["inputs"]["leaf"] == secret()


def settled_bindings(inputs: list[Any], told: list[Any], **parts: Any) -> list[Any]:
    """Return the bindings of a twin whose state holds ``inputs``, after the program told ``told``."""
    twin = redact(state(resource(inputs={"bindings": inputs}, **parts)), "toys", "staging")
    (one,) = settled(twin, plan(inputDiff={"updates": {"bindings": told}})).resources
    bindings: list[Any] = one["inputs"]["bindings"]
    return bindings


def text(name: str, value: Any, kind: str = "plain_text") -> dict[str, Any]:
    return {"name": name, "type": kind, "text": value}


def test_what_only_the_plugin_calls_a_secret_is_told_by_the_program() -> None:
    found = [text("STAGE", closed()), text("KEY", closed(), "secret_text"), {"name": "AI", "type": "ai"}]
    told = [text("STAGE", "staging"), text("KEY", secret(), "secret_text"), {"name": "AI", "type": "ai"}]
    assert settled_bindings(found, told) == told


@pytest.mark.parametrize(
    "told",
    [
        text("KEY", "correct-horse-battery", "secret_text"),
        text("API_TOKEN", "0123456789abcdef"),
        text("NOTE", "ghp_" + "a1B2c3D4e5F6" * 3),
        text("NOTE", {"clientSecret": "0123456789abcdef"}),
        text("OTHER", "of another binding"),
    ],
)
def test_what_is_a_secret_by_another_sign_or_of_another_place_stays_redacted(told: dict[str, Any]) -> None:
    name = "NOTE" if told["name"] == "OTHER" else told["name"]
    found = text(name, closed(), told["type"])
    assert settled_bindings([found, text("STAGE", closed())], [told, text("STAGE", "staging")]) == [
        found | {"text": secret()},
        text("STAGE", "staging"),
    ]


@pytest.mark.parametrize(
    ("type_", "declared"), [("cloudflare:index/accountToken:AccountToken", []), ("toy:index:Thing", ["value"])]
)
def test_what_is_a_secret_by_its_nature_or_by_the_programs_word_stays_redacted(type_: str, declared: list[str]) -> None:
    made = resource("it", type_, outputs={"value": closed()}, additionalSecretOutputs=declared)
    twin = redact(state(made), "toys", "staging")
    told = {"resourcePlans": {made["urn"]: {"goal": {"outputDiff": {"updates": {"value": "in plain"}}}}}}
    assert settled(twin, told) == twin


@pytest.mark.parametrize(
    ("meta", "kept"),
    [
        (json.dumps({"schema_version": "500", "private_state": CANARY}), {"__meta": '{"schema_version": "500"}'}),
        (json.dumps({"schema_version": CANARY}), {}),
        (json.dumps({"timeouts": CANARY}), {}),
        (CANARY, {}),
        (closed(), {}),
        (json.dumps([CANARY]), {}),
    ],
)
def test_what_a_bridge_notes_for_itself_is_left_out_but_for_the_version_of_the_schema(
    meta: Any, kept: dict[str, str]
) -> None:
    delta = {"obj": {"ps": {"a": {"replace": {"raw": CANARY}}, "b": closed()}}}
    made = resource(outputs={"name": "n", "__meta": meta, "__pulumi_raw_state_delta": delta})
    twin = redact(state(made), "toys", "staging")
    assert twin.resources[0]["outputs"] == {"name": "n", **kept}
    assert twin.redacted == {}


def test_what_a_stack_exports_is_settled_as_well() -> None:
    one = settled_resource(plan(inputDiff={}, outputDiff={"updates": {"leaf": secret("derived")}}))
    assert one["outputs"]["leaf"] == secret("derived")


@pytest.mark.parametrize("nothing", [{}, {"resourcePlans": None}, plan(), plan(inputDiff=None, outputDiff={})])
def test_a_plan_without_changes_settles_nothing(nothing: dict[str, Any]) -> None:
    twin = redact(state(resource(inputs={"leaf": closed()})), "toys", "staging")
    assert settled(twin, nothing) == twin


def test_a_published_twin_is_read_as_it_was() -> None:
    twin = redact(state(resource(inputs={"leaf": closed()})), "toys", "staging")
    assert read_twin(json.loads(json.dumps(twin.body())), "toys", "staging").body() == twin.body()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda deployment: deployment["secrets_providers"].update(type="cloud"),
        lambda deployment: deployment["resources"][0]["inputs"].update(more=[closed()]),
        lambda deployment: deployment["pending_operations"].append({"resource": resource(inputs={"a": closed()})}),
    ],
)
def test_a_state_is_not_taken_for_a_twin(spoil: Callable[[dict[str, Any]], object]) -> None:
    body = json.loads(json.dumps(redact(state(resource(inputs={"leaf": closed()})), "toys", "staging").body()))
    spoil(body["deployment"])
    with pytest.raises(Refused, match="no twin"):
        read_twin(body, "toys", "staging")
