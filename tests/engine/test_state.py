"""Settling what a killed engine had begun."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bulkhead.engine import state
from bulkhead.model.failures import Failed
from bulkhead.resources.sentinels import SECRET, SIGNATURE

PARENT = {"urn": "urn:parent", "type": "pulumi:pulumi:Stack"}


def begun(urn: str, operation: str = "creating") -> dict[str, Any]:
    return {"type": operation, "resource": {"urn": urn, "parent": "urn:parent", "inputs": {"size": 1}}}


def exported(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": [PARENT], "pending_operations": list(operations)}}


def test_what_was_made_after_all_becomes_a_resource_behind_the_others() -> None:
    after = state.without_pending_operations(exported(begun("urn:made"), begun("urn:lost")), {"urn:made": "id-1"}.get)
    made = {**begun("urn:made")["resource"], "id": "id-1", "outputs": {"size": 1}}
    assert after == {"version": 3, "deployment": {"resources": [PARENT, made]}}


def test_what_a_replacement_made_leaves_the_old_one_to_be_deleted() -> None:
    before = exported(begun("urn:made"))
    old = {"urn": "urn:made", "id": "old", "inputs": {"size": 0}}
    before["deployment"]["resources"].append(old)
    after = state.without_pending_operations(before, {"urn:made": "new"}.get)["deployment"]["resources"]
    assert [(each.get("id"), each.get("delete")) for each in after[1:]] == [("old", True), ("new", None)]
    found_again = state.without_pending_operations(before, {"urn:made": "old"}.get)["deployment"]["resources"]
    assert found_again == [PARENT, old]


def test_other_half_done_operations_are_only_forgotten() -> None:
    after = state.without_pending_operations(
        exported(begun("urn:old", "deleting"), begun("urn:new", "updating")), lambda _: "id"
    )
    assert after["deployment"] == {"resources": [PARENT]}


def test_what_was_exported_is_left_alone() -> None:
    before = exported(begun("urn:made"))
    state.without_pending_operations(before, lambda _: "id")
    assert before == exported(begun("urn:made"))


def test_a_stack_without_state_has_nothing() -> None:
    for checkpoint in ("", '{"version": 3, "checkpoint": {"stack": "s", "latest": null}}'):
        assert state.resources(checkpoint) == []
        assert state.pending(checkpoint) == []


def test_outputs_are_opened_with_the_salt_of_their_state_wherever_a_secret_is() -> None:
    def secret(value: object) -> dict[str, str]:
        return {SIGNATURE: SECRET, "ciphertext": f"sealed {json.dumps(value)}"}

    outputs = {"plain": 1, "token": secret("abc"), "all": secret({"deep": ["x"]}), "list": [{"one": secret("y")}]}
    keys = {"type": "passphrase", "state": {"salt": "v1:salt"}}
    latest = {"secrets_providers": keys, "resources": [{**PARENT, "outputs": outputs}]}
    asked = []

    def decrypt(salt: str, ciphertext: str) -> str:
        asked.append(salt)
        return ciphertext.removeprefix("sealed ")

    told = state.outputs(json.dumps({"version": 3, "checkpoint": {"stack": "s", "latest": latest}}), decrypt)
    assert told == {"plain": 1, "token": "abc", "all": {"deep": ["x"]}, "list": [{"one": "y"}]}
    assert set(asked) == {"v1:salt"}
    assert state.outputs("", decrypt) == {}


def test_an_exported_state_is_told_again_by_the_backend_it_is_put_into() -> None:
    told = exported(begun("urn:made"))
    files = state.backend(told, "harbor", "staging")
    checkpoint = json.dumps(files[".pulumi/stacks/harbor/staging.json"])
    assert state.exported(checkpoint) == told
    assert state.resources(checkpoint) == [PARENT]
    assert state.pending(checkpoint) == ["urn:made"]


@pytest.mark.parametrize("look", [state.resources, state.pending, state.exported])
def test_half_of_a_state_is_said_to_be_one(look: Callable[[str], object]) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        look('{"version": 3, "checkpoint": {"sta')
