"""What moto's Lambda lacks: above all, that a function runs.

A function keeps its dead-letter queue, its logging and its key, and changes them. Its code can be fetched. It is made
only where Lambda may take its role, and told of a queue only where that role may write to it; moto believes both. Of
two settings for failed runs the second one counts.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import EventInvokeConfig, LambdaBackend, LambdaFunction

from bulkhead.localclouds.aws.evaluator import Request, admits, allows
from bulkhead.localclouds.aws.moto_iam import identity_of

_TAKER: Final = ("Service", "lambda.amazonaws.com")
_KEPT: Final = ("DeadLetterConfig", "EphemeralStorage", "KMSKeyArn", "LoggingConfig", "TracingConfig")
_SENDING: Final = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}

_MOST_AT_ONCE, _MOST_LATER = 6 * 1024 * 1024, 1024 * 1024  # bytes of an event (Lambda quotas)
_NAMED: Final = re.compile(r"(?:.*:function:)?([A-Za-z0-9_-]+)(?::\$LATEST)?")

_init = LambdaFunction.__init__
_update_configuration = LambdaFunction.update_configuration
_update_code = LambdaFunction.update_function_code
_get_configuration = LambdaFunction.get_configuration
_get_code = LambdaFunction.get_code


class Runner(Protocol):
    """Runs functions: see `bulkhead.localclouds.functions`."""

    def invoke(self, account: str, region: str, name: str, event: bytes) -> Any: ...

    def enqueue(self, account: str, region: str, name: str, event: bytes) -> None: ...


_runners: list[tuple[Runner, Callable[[], AbstractContextManager[None]]]] = []


def attach(runner: Runner, unlocked: Callable[[], AbstractContextManager[None]]) -> None:
    """Let ``runner`` run what is invoked; a function that asks the local AWS meanwhile finds it ``unlocked``."""
    _runners.append((runner, unlocked))


def detach(runner: Runner) -> None:
    """Undo `attach`."""
    _runners[:] = [each for each in _runners if each[0] is not runner]


def extend() -> None:
    """Give moto the missing behaviour; safe to repeat."""
    setattr(LambdaFunction, "__init__", _made)  # noqa: B010 - a plain assignment to __init__ is no valid type
    LambdaFunction.update_configuration = _configured  # type: ignore[method-assign]
    LambdaFunction.update_function_code = _coded  # type: ignore[method-assign]
    LambdaFunction.get_configuration = _configuration  # type: ignore[method-assign]
    LambdaFunction.get_code = _code  # type: ignore[method-assign]
    LambdaBackend.invoke = _invoke  # type: ignore[method-assign]
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


def _invoke(
    self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
) -> bytes:
    named = _NAMED.fullmatch(function_name)
    name = self.get_function(
        named[1] if named and qualifier in {None, "$LATEST"} else function_name, qualifier
    ).function_name
    event = (body.encode() if isinstance(body, str) else body) or b"{}"
    kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
    _may_be_sent(event, _MOST_LATER if kind == "Event" else _MOST_AT_ONCE)
    runner, unlocked = _runners[-1]
    if kind == "Event":
        runner.enqueue(self.account_id, self.region_name, name, event)
    if kind != "RequestResponse":
        return b""
    with unlocked():
        answer = runner.invoke(self.account_id, self.region_name, name, event)
    if answer.error:
        response_headers["x-amz-function-error"] = "Unhandled"
    return bytes(answer.payload)


def _may_be_sent(event: bytes, most: int) -> None:
    try:
        json.loads(event)
    except ValueError as error:
        raise LambdaClientError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from None
    if len(event) > most:
        raise LambdaClientError(
            "RequestTooLargeException", f"Request must be smaller than {most} bytes for the operation"
        )


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
