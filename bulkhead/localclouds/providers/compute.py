"""AWS: functions, their schedules, and where their failures and lines go. Sources as in `aws`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from bulkhead.localclouds.providers.arns import ARN, arn_of, with_all_tags
from bulkhead.localclouds.providers.checks import (
    at,
    at_most_one,
    between,
    json_text,
    known,
    needs,
    one_of,
    shaped,
    sized,
)
from bulkhead.localclouds.providers.handler import Properties
from bulkhead.localclouds.providers.rules import TypeRules, joined
from bulkhead.model.schedules import faults
from bulkhead.resources import types as t
from bulkhead.resources.aws.notices import QUEUE_URL

_NAME: Final = (r"[0-9A-Za-z_.-]{1,64}", "1 to 64 letters, digits and _.-")
_VARIABLE: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_VARIABLES: Final = 4096  # bytes of all variables of a function as JSON
# What Lambda sets itself (Lambda Developer Guide, "Defined runtime environment variables").
_RESERVED: Final = frozenset(
    {
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)
_RETENTIONS: Final = frozenset(
    {0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)


def _variables(inputs: Properties) -> Iterator[str]:
    for place, variables in at(inputs, "environment.variables"):
        for name in variables:
            if name in _RESERVED:
                yield f"{place}.{name}: is set by Lambda itself"
            elif not _VARIABLE.fullmatch(name):
                yield f"{place}.{name}: must be a letter, then letters, digits and _"
        if known(variables, *variables):
            size = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())
            if size > _VARIABLES:
                yield f"{place}: have {size} bytes as JSON, and at most {_VARIABLES} are taken"


def _expression(inputs: Properties) -> Iterator[str]:
    zone = inputs.get("scheduleExpressionTimezone", "UTC")
    for place, expression in at(inputs, "scheduleExpression"):
        if isinstance(expression, str) and isinstance(zone, str):
            yield from (f"{place}: {fault}" for fault in faults(expression, zone))


def _window(inputs: Properties) -> Iterator[str]:
    for place, window in at(inputs, "flexibleTimeWindow"):
        mode = window.get("mode")
        if mode in {"OFF", "FLEXIBLE"} and (mode == "FLEXIBLE") != ("maximumWindowInMinutes" in window):
            yield f"{place}.maximumWindowInMinutes: belongs to mode FLEXIBLE, which needs it"


def _retention(inputs: Properties) -> Iterator[str]:
    for place, days in at(inputs, "retentionInDays"):
        if days not in _RETENTIONS:
            yield f"{place}: must be one of {', '.join(map(str, sorted(_RETENTIONS)))}; 0 keeps the lines for ever"


TABLE: Final = (
    TypeRules(
        type=t.LAMBDA_FUNCTION,
        identify=joined("name"),
        own_name="name",
        checks=(
            needs("", "name", "code", "handler", "runtime"),
            shaped("name", r"[0-9A-Za-z_-]{1,64}", "1 to 64 letters, digits, - and _"),
            # AWS knows more of them; a rehearsal runs this language alone.
            shaped("runtime", r"python3\.1[1-4]", "python3.11 to python3.14, which is what a rehearsal can run"),
            one_of("architectures[*]", "x86_64", "arm64"),
            sized("architectures", 1, 1),
            between("timeout", 1, 900),
            between("memorySize", 128, 10_240),
            between("ephemeralStorage.size", 512, 10_240),
            one_of("loggingConfig.logFormat", "JSON", "Text"),
            shaped("role", *ARN),
            shaped("deadLetterConfig.targetArn", *ARN),
            shaped("kmsKeyArn", *ARN),
            _variables,
        ),
        defaults={"memorySize": 128, "packageType": "Zip", "publish": False, "timeout": 3},
        plan=with_all_tags,
        computed=lambda caller, _id, inputs: {
            "arn": arn_of("lambda", "function:{name}")(caller, inputs),
            "region": caller.region_of(inputs),
            "version": "$LATEST",
        },
    ),
    TypeRules(
        type=t.LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG,
        identify=joined("functionName"),
        checks=(
            between("maximumEventAgeInSeconds", 60, 21_600),
            between("maximumRetryAttempts", 0, 2),
            shaped("destinationConfig.onFailure.destination", *ARN),
            shaped("destinationConfig.onSuccess.destination", *ARN),
        ),
        defaults={"maximumRetryAttempts": 2},
        computed=lambda caller, _id, inputs: {"region": caller.region_of(inputs)},
    ),
    TypeRules(
        type=t.SCHEDULER_SCHEDULE_GROUP,
        identify=joined("name"),
        own_name="name",
        checks=(needs("", "name"), shaped("name", *_NAME)),
        plan=with_all_tags,
        computed=lambda caller, _id, inputs: {
            "arn": arn_of("scheduler", "schedule-group/{name}")(caller, inputs),
            "region": caller.region_of(inputs),
            "state": "ACTIVE",
        },
    ),
    TypeRules(
        type=t.SCHEDULER_SCHEDULE,
        identify=lambda _caller, inputs: f"{inputs.get('groupName', 'default')}/{inputs['name']}",
        own_name="name",
        checks=(
            needs("", "name"),
            shaped("name", *_NAME),
            one_of("state", "ENABLED", "DISABLED"),
            one_of("flexibleTimeWindow.mode", "OFF", "FLEXIBLE"),
            between("flexibleTimeWindow.maximumWindowInMinutes", 1, 1440),
            _window,
            _expression,
            shaped("target.arn", *ARN),
            shaped("target.roleArn", *ARN),
            shaped("target.deadLetterConfig.arn", *ARN),
            json_text("target.input"),
            between("target.retryPolicy.maximumEventAgeInSeconds", 60, 86_400),
            between("target.retryPolicy.maximumRetryAttempts", 0, 185),
        ),
        defaults={"groupName": "default", "scheduleExpressionTimezone": "UTC", "state": "ENABLED"},
        computed=lambda caller, id_, inputs: {
            "arn": arn_of("scheduler", f"schedule/{id_}")(caller, inputs),
            "region": caller.region_of(inputs),
        },
    ),
    TypeRules(
        type=t.SQS_QUEUE,
        identify=lambda caller, inputs: QUEUE_URL.format(
            region=caller.region_of(inputs), account=caller.account, name=inputs["name"]
        ),
        own_name="name",
        checks=(
            needs("", "name"),
            shaped("name", r"[0-9A-Za-z_-]{1,80}", "1 to 80 letters, digits, - and _"),
            between("delaySeconds", 0, 900),
            between("kmsDataKeyReusePeriodSeconds", 60, 86_400),
            between("maxMessageSize", 1024, 1_048_576),
            between("messageRetentionSeconds", 60, 1_209_600),
            between("visibilityTimeoutSeconds", 0, 43_200),
            at_most_one("", "kmsMasterKeyId", "sqsManagedSseEnabled"),
            json_text("policy"),
            json_text("redrivePolicy"),
        ),
        defaults={
            "delaySeconds": 0,
            "fifoQueue": False,
            "maxMessageSize": 262_144,
            "messageRetentionSeconds": 345_600,
            "visibilityTimeoutSeconds": 30,
        },
        plan=with_all_tags,
        computed=lambda caller, id_, inputs: {
            "arn": arn_of("sqs", "{name}")(caller, inputs),
            "region": caller.region_of(inputs),
            "url": id_,
        },
    ),
    TypeRules(
        type=t.CLOUDWATCH_LOG_GROUP,
        identify=joined("name"),
        own_name="name",
        checks=(
            needs("", "name"),
            shaped("name", r"[.\-_/#A-Za-z0-9]{1,512}", "1 to 512 letters, digits and .-_/#"),
            _retention,
        ),
        defaults={"retentionInDays": 0, "skipDestroy": False},
        plan=with_all_tags,
        computed=lambda caller, _id, inputs: {
            "arn": arn_of("logs", "log-group:{name}")(caller, inputs),
            "region": caller.region_of(inputs),
        },
    ),
)
