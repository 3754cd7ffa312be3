"""What moto's Lambda lacks.

A function keeps its dead-letter queue, its logging and its key, and changes them. Its code can be fetched. It is made
only where Lambda may take its role, and told of a queue only where that role may write to it; moto believes both. Of
two settings for failed runs the second one counts.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventInvokeConfig, LambdaBackend, LambdaFunction

from bulkhead.localclouds.aws.evaluator import Request, admits, allows
from bulkhead.localclouds.aws.moto_iam import identity_of

_TAKER: Final = ("Service", "lambda.amazonaws.com")
_KEPT: Final = ("DeadLetterConfig", "EphemeralStorage", "KMSKeyArn", "LoggingConfig", "TracingConfig")
_SENDING: Final = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}

_init = LambdaFunction.__init__
_update_configuration = LambdaFunction.update_configuration
_update_code = LambdaFunction.update_function_code
_get_configuration = LambdaFunction.get_configuration
_get_code = LambdaFunction.get_code


def extend() -> None:
    """Give moto the missing behaviour; safe to repeat."""
    setattr(LambdaFunction, "__init__", _made)  # noqa: B010 - a plain assignment to __init__ is no valid type
    LambdaFunction.update_configuration = _configured  # type: ignore[method-assign]
    LambdaFunction.update_function_code = _coded  # type: ignore[method-assign]
    LambdaFunction.get_configuration = _configuration  # type: ignore[method-assign]
    LambdaFunction.get_code = _code  # type: ignore[method-assign]
    LambdaBackend.put_function_event_invoke_config = _put_event_invoke_config  # type: ignore[method-assign]


def _made(self: Any, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
    _may_be(account_id, spec["Role"], spec.get("DeadLetterConfig"))
    _init(self, account_id, spec, region, version)
    self.kept = {name: spec[name] for name in _KEPT if name in spec}


def _configured(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
    kept = {**self.kept, **{name: config_updates[name] for name in _KEPT if name in config_updates}}
    _may_be(self.account_id, config_updates.get("Role", self.role), kept.get("DeadLetterConfig"))
    self.kept = kept
    return _update_configuration(self, config_updates)


def _coded(self: Any, updated_spec: dict[str, Any]) -> dict[str, Any]:
    if "Architectures" in updated_spec:
        self.architectures = updated_spec["Architectures"]
    return _update_code(self, updated_spec)


def _configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
    usual = {"LoggingConfig": {"LogFormat": "Text", "LogGroup": self.logs_group_name}}
    return {**_get_configuration(self, on_create), **usual, **self.kept}


def _code(self: Any) -> dict[str, Any]:
    """AWS answers an address at which the code is for ten minutes; this one holds it."""
    found = _get_code(self)
    found["Code"]["Location"] = f"data:application/zip;base64,{base64.b64encode(self.code_bytes).decode()}"
    return found


def _put_event_invoke_config(self: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
    function = self.get_function(function_name)
    for destination in (config.get("DestinationConfig") or {}).values():
        _may_send(self.account_id, function.role, destination.get("Destination"))
    made = EventInvokeConfig(function.function_arn, function.last_modified, config)
    function.event_invoke_config = [made]
    return made.response()


def _may_be(account: str, role: str, dead_letters: dict[str, str] | None) -> None:
    identity = identity_of(account, role)
    if identity is None or not admits(identity, _TAKER, "sts:AssumeRole", {}):
        _refuse("The role defined for the function cannot be assumed by Lambda.")
    _may_send(account, role, (dead_letters or {}).get("TargetArn"))


def _may_send(account: str, role: str, target: str | None) -> None:
    if not target:
        return
    service = target.split(":")[2]
    identity = identity_of(account, role)
    if service not in _SENDING or identity is None or not allows(identity, Request(_SENDING[service], target)):
        action = _SENDING.get(service, service).partition(":")[2]
        _refuse(f"The provided execution role does not have permissions to call {action} on {service.upper()}")


def _refuse(message: str) -> None:
    raise LambdaClientError("InvalidParameterValueException", message)
