"""From a stage's state to a flat program that declares the same resources."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.flat import declarations, flat_urn, flatten, flatten_checkpoint, revealed
from benchmarks.flat_program import arguments, declare, resource_class
from bulkhead.engine.render import render
from bulkhead.resources.kind import STACK
from bulkhead.resources.planned import Sealed, unsealed

HERE = "urn:pulumi:staging::harbor::"
ROOT = f"{HERE}{STACK}::harbor-staging"
PROVIDER = f"{HERE}pulumi:providers:github::github"
COMPONENT = f"{HERE}bulkhead:delivery:Delivery::delivery"
SECRET = f"{HERE}bulkhead:delivery:Delivery$github:index/actionsSecret:ActionsSecret::hook"
BRANCH = f"{HERE}bulkhead:delivery:Delivery$github:index/branch:Branch::develop"


def sealed(value: Any) -> dict[str, str]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(value)}


def state() -> list[dict[str, Any]]:
    """The state of a component with two children, one of which was made from the other's outputs."""
    return [
        {"urn": ROOT, "type": STACK, "outputs": {"hook": sealed("https://hook")}},
        {
            "urn": PROVIDER,
            "type": "pulumi:providers:github",
            "custom": True,
            "id": "p1",
            "parent": ROOT,
            "inputs": {"token": sealed("t0ken"), "version": "6.0.0", "__internal": {}},
        },
        {"urn": COMPONENT, "type": "bulkhead:delivery:Delivery", "parent": ROOT},
        {
            "urn": BRANCH,
            "type": "github:index/branch:Branch",
            "custom": True,
            "parent": COMPONENT,
            "provider": f"{PROVIDER}::p1",
            "inputs": {"repository": "harbor", "branch": "develop", "addedByTheProvider": "x", "__defaults": []},
            "protect": True,
            "dependencies": [COMPONENT],
        },
        {
            "urn": SECRET,
            "type": "github:index/actionsSecret:ActionsSecret",
            "custom": True,
            "parent": COMPONENT,
            "provider": f"{PROVIDER}::p1",
            "inputs": {"repository": "harbor", "secretName": "HOOK", "plaintextValue": sealed("https://hook")},
            "dependencies": [BRANCH, COMPONENT],
            "propertyDependencies": {"repository": [BRANCH], "secretName": None},
            "retainOnDelete": True,
        },
    ]


def test_a_flat_urn_names_no_parent() -> None:
    assert flat_urn(SECRET) == f"{HERE}github:index/actionsSecret:ActionsSecret::hook"
    assert flat_urn(PROVIDER) == PROVIDER


def test_components_disappear_and_everything_else_hangs_on_the_stack() -> None:
    flat = flatten(state())
    assert [resource["type"] for resource in flat] == [
        STACK,
        "pulumi:providers:github",
        "github:index/branch:Branch",
        "github:index/actionsSecret:ActionsSecret",
    ]
    assert {resource["parent"] for resource in flat[1:]} == {ROOT}
    assert "$" not in json.dumps(flat)
    secret = flat[-1]
    assert secret["provider"] == f"{PROVIDER}::p1"
    assert secret["dependencies"] == [flat_urn(BRANCH)]
    assert secret["propertyDependencies"] == {"repository": [flat_urn(BRANCH)], "secretName": []}


def test_resources_that_only_their_components_tell_apart_are_refused() -> None:
    twin = {**state()[3], "urn": f"{HERE}bulkhead:delivery:Other$github:index/branch:Branch::develop"}
    with pytest.raises(ValueError, match=r"would be one resource: .*Branch::develop"):
        flatten([*state(), twin])


def test_a_checkpoint_keeps_all_but_its_components() -> None:
    text = json.dumps({"version": 3, "checkpoint": {"latest": {"secrets_providers": 1, "resources": state()}}})
    flat = json.loads(flatten_checkpoint(text))
    assert flat["version"] == 3
    assert flat["checkpoint"]["latest"] == {"secrets_providers": 1, "resources": flatten(state())}


def test_an_exported_secret_is_taken_out_of_its_envelope_however_deep() -> None:
    assert revealed({"a": [sealed({"b": 1})], "c": "open"}) == {"a": [{"b": 1}], "c": "open"}


def test_the_flat_program_declares_what_the_state_holds() -> None:
    flat = flatten(state())
    rendered = render(lambda: declare(declarations(flat), {"hook": "https://hook"}), "staging")
    provider, branch, secret = rendered.resources
    assert unsealed(provider.inputs["token"]) == "t0ken"
    assert (branch.name, branch.protect, branch.retain_on_delete) == ("develop", True, False)
    assert branch.inputs == {"repository": "harbor", "branch": "develop"}
    assert branch.provider == provider.urn
    assert secret.inputs == {"repository": "harbor", "secretName": "HOOK", "plaintextValue": Sealed("https://hook")}
    assert secret.dependencies == {branch.urn}
    assert secret.retain_on_delete
    assert rendered.outputs == {"hook": "https://hook"}


@pytest.mark.parametrize(
    ("token", "module", "name"),
    [
        ("aws:s3/bucket:Bucket", "pulumi_aws.s3.bucket", "Bucket"),
        ("cloudflare:index/worker:Worker", "pulumi_cloudflare.worker", "Worker"),
        ("pulumi:providers:github", "pulumi_github.provider", "Provider"),
    ],
)
def test_a_type_token_leads_to_its_class(token: str, module: str, name: str) -> None:
    cls = resource_class(token)
    assert (cls.__module__, cls.__name__) == (module, name)


def test_what_a_provider_adds_is_no_argument() -> None:
    taken = arguments(resource_class("aws:s3/bucket:Bucket"))
    assert {"bucket", "tags"} <= taken
    assert not taken & {"tags_all", "opts", "resource_name"}
