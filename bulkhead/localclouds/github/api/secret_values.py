"""An environment's secrets and variables."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from nacl.exceptions import CryptoError
from nacl.public import SealedBox

from bulkhead.localclouds.github.api import environments
from bulkhead.localclouds.github.api.call import Answer, Call, Refusal, absent, invalid
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.limits import exceeded

# GitHub's documentation, "Secrets reference" and "Variables reference", Limits.
_MOST: Final = 100
_PAGES_OF_VARIABLES: Final = (10, 30)


def _list_secrets(call: Call) -> Answer:
    return call.paged(_every(call, t.GITHUB_ACTIONS_ENVIRONMENT_SECRET), "secrets", lambda one: _shown(call, one))


def _list_variables(call: Call) -> Answer:
    found = _every(call, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE)
    return call.paged(found, "variables", lambda one: _shown(call, one), _PAGES_OF_VARIABLES)


def _every(call: Call, token: str) -> list[Record]:
    where = environments.named(call).outputs["environment"]
    return call.cloud.records(token, call.repository, environment=where)


def _one(call: Call, token: str, name: str) -> Record:
    found = _find(call, token, name)
    if found is None:
        raise absent()
    return found


def _find(call: Call, token: str, name: str) -> Record | None:
    """GitHub tells no small letters from capital ones in these names, and shows capital ones."""
    return next((one for one in _every(call, token) if _name(one).upper() == name.upper()), None)


def _name(record: Record) -> str:
    return str(record.outputs.get("secretName") or record.outputs["variableName"])


def _shown(call: Call, record: Record) -> dict[str, Any]:
    """A secret's value is told to nobody."""
    told = {"name": _name(record).upper()}
    told |= {"value": record.outputs["value"]} if record.type == t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE else {}
    return {**told, **call.cloud.dates(record)}


def _write(call: Call, token: ResourceType, named: str, name: str, value: str, old: Record | None) -> None:
    where, kind = environments.named(call).outputs["environment"], "secrets" if named == "secretName" else "variables"
    for excess in exceeded(token, {"value": value}):
        raise Refusal(
            422, f"The value of {name.upper()} is larger than {excess.most // 1024} KB, the most that GitHub keeps"
        )
    if old is None and len(_every(call, token)) >= _MOST:
        raise Refusal(422, f"An environment has at most {_MOST} {kind}")
    own = _name(old) if old else name.upper()
    inputs = {"repository": call.repository.name, "environment": where, named: own, "value": value}
    call.cloud.write(call.credential, token, inputs, old)


def _delete(call: Call, record: Record) -> Answer:
    call.cloud.delete(call.credential, record)
    return Answer(204)


def _get_key(call: Call) -> Answer:
    id_, private = call.cloud.key_of(call.repository, environments.named(call).outputs["environment"])
    return Answer(200, {"key_id": id_, "key": base64.b64encode(bytes(private.public_key)).decode()})


def _put_secret(call: Call) -> Answer:
    id_, private = call.cloud.key_of(call.repository, environments.named(call).outputs["environment"])
    if call.body["key_id"] != id_:
        raise Refusal(422, "Bad request - key id does not match the environment's public key")
    try:
        sealed = base64.b64decode(call.body["encrypted_value"], validate=True)
        value = SealedBox(private).decrypt(sealed).decode()
    except (CryptoError, binascii.Error, UnicodeDecodeError):
        raise Refusal(422, "Bad request - the secret is not encrypted with the environment's public key") from None
    old = _find(call, t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, call.at["secret_name"])
    _write(call, t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, "secretName", call.at["secret_name"], value, old)
    return Answer(204) if old else Answer(201, {})


def _add_variable(call: Call) -> Answer:
    name = call.body["name"]
    if _find(call, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, name):
        raise Refusal(409, "Already exists - Variable already exists")
    _write(call, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, "variableName", name, call.body["value"], None)
    return Answer(201, {})


def _change_variable(call: Call) -> Answer:
    old = _variable(call)
    name = call.body.get("name", _name(old))
    if name.upper() != _name(old).upper():
        raise invalid("ActionsVariable", "name", "invalid", "the local GitHub renames no variable")
    value = call.body.get("value", old.outputs["value"])
    _write(call, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, "variableName", name, value, old)
    return Answer(204)


def _variable(call: Call) -> Record:
    return _one(call, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, call.at["name"])


def _secret(call: Call) -> Record:
    return _one(call, t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, call.at["secret_name"])


HANDLERS: Final = {
    "actions/create-environment-variable": _add_variable,
    "actions/create-or-update-environment-secret": _put_secret,
    "actions/delete-environment-secret": lambda call: _delete(call, _secret(call)),
    "actions/delete-environment-variable": lambda call: _delete(call, _variable(call)),
    "actions/get-environment-public-key": _get_key,
    "actions/get-environment-secret": lambda call: Answer(200, _shown(call, _secret(call))),
    "actions/get-environment-variable": lambda call: Answer(200, _shown(call, _variable(call))),
    "actions/list-environment-secrets": _list_secrets,
    "actions/list-environment-variables": _list_variables,
    "actions/update-environment-variable": _change_variable,
}
