"""What AWS tells of an event that it gives up: to a dead-letter queue, or to a destination, with somebody's rights.

The forms are those of the Lambda Developer Guide, "Retaining records of asynchronous invocations", and of the
EventBridge Scheduler User Guide, "Configuring a dead-letter queue".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from bulkhead.localclouds.aws.client import Guests
from bulkhead.localclouds.functions.api import Answer
from bulkhead.localclouds.functions.execution import Place
from bulkhead.model.instants import instant
from bulkhead.resources.aws.notices import QUEUE_URL

_TOLD: Final = 1024  # characters of an error in an attribute
_ACCEPTED: Final = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """An event of a function, and what came of the last try."""

    request: str
    event: bytes
    answer: Answer
    attempts: int


def tell(place: Place, name: str, letter: Letter, settings: Mapping[str, Any]) -> str:
    """Tell what must be told of an event that is done with; return why it could not be, empty if it could."""
    about = place.client("lambda").get_function_configuration(FunctionName=name)
    failed = bool(letter.answer.error)
    untold = []
    if failed and (queue := about.get("DeadLetterConfig", {}).get("TargetArn")):
        attributes = {
            "RequestID": letter.request,
            "ErrorCode": str(_ACCEPTED),
            "ErrorMessage": letter.answer.payload.decode(errors="replace")[:_TOLD],
        }
        untold.append(send(place, about["Role"], queue, letter.event.decode(), attributes))
    destinations = settings.get("DestinationConfig") or {}
    if target := destinations.get("OnFailure" if failed else "OnSuccess", {}).get("Destination"):
        untold.append(send(place, about["Role"], target, _record(about["FunctionArn"], letter), {}))
    return "; ".join(filter(None, untold))


def send(place: Place, role: str, target: str, body: str, attributes: Mapping[str, str]) -> str:
    """Send a message to a queue or a topic with the rights of a role; return why it was refused, if it was."""
    told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value}
    _, _, service, region, account, queue = target.split(":", 5)
    with closing(Guests(place.endpoint, region)) as guests:
        try:
            made = guests.client(place.credentials(role, "letters"), service)
            if service == "sqs":
                address = QUEUE_URL.format(region=region, account=account, name=queue)
                made.send_message(QueueUrl=address, MessageBody=body, MessageAttributes=told)
            elif service == "sns":
                made.publish(TopicArn=target, Message=body, MessageAttributes=told)
            else:
                return f"{target}: a rehearsal tells queues and topics alone"
        except ClientError as error:
            return f"{target}: {error.response['Error']['Code']}"
    return ""


def _record(arn: str, letter: Letter) -> str:
    failed = bool(letter.answer.error)
    record = {
        "version": "1.0",
        "timestamp": instant(datetime.now(UTC)),
        "requestContext": {
            "requestId": letter.request,
            "functionArn": f"{arn}:$LATEST",
            "condition": "RetriesExhausted" if failed else "Success",
            "approximateInvokeCount": letter.attempts,
        },
        "requestPayload": json.loads(letter.event),
        "responseContext": {
            "statusCode": _ACCEPTED,
            "executedVersion": "$LATEST",
            **({"functionError": "Unhandled"} if failed else {}),
        },
        "responsePayload": json.loads(letter.answer.payload or b"null"),
    }
    return json.dumps(record)
