"""One try of a function of the local AWS: its code, variables and limits as they are there, its role's credentials, and
its lines in its log group."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from bulkhead.localclouds.aws.client import Guests
from bulkhead.localclouds.aws.evaluator import Request, admits, allows
from bulkhead.localclouds.aws.moto_iam import identity_of
from bulkhead.localclouds.functions.api import Answer, Call
from bulkhead.localclouds.functions.environment import Ran, Task, run

_TAKER: Final = ("Service", "lambda.amazonaws.com")
_DENIED: Final = "AccessDeniedException"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function is. ``client`` returns an administrator's client of a service there; ``addresses`` says for
    public addresses in a function's variables which local one is meant."""

    endpoint: str
    account: str
    region: str
    client: Callable[[str], Any]
    addresses: Mapping[str, str]

    def credentials(self, role: str, session: str) -> Mapping[str, str]:
        """Take a role, as the service does that has to do something with its rights."""
        taken: Mapping[str, str] = self.client("sts").assume_role(RoleArn=role, RoleSessionName=session[:64])[
            "Credentials"
        ]
        return taken


def tried(place: Place, name: str, request: str, event: bytes, above: Path, stop: threading.Event | None = None) -> Ran:
    """Run a function once, or until ``stop`` is set. Raises ClientError where there is no such function, and Failed
    where this machine cannot run any."""
    found = place.client("lambda").get_function(FunctionName=name)
    about = found["Configuration"]
    if refusal := _refusal(place, about):
        return Ran(refusal, (), 0.0, 0)
    credentials = place.credentials(about["Role"], name)
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
    code = base64.b64decode(found["Code"]["Location"].partition(",")[2])
    task = Task(about["Handler"], code, about["MemorySize"], _variables(place, about, credentials, stream))
    folder = Path(tempfile.mkdtemp(prefix="invocation-", dir=above))
    try:
        ran = run(task, Call(request, about["FunctionArn"], event, about["Timeout"]), folder, stop)
    finally:
        shutil.rmtree(folder)
    _keep(place, credentials, about["LoggingConfig"]["LogGroup"], stream, ran)
    return ran


def _refusal(place: Place, about: Mapping[str, Any]) -> Answer | None:
    """Return what Lambda says where it cannot take the role, or may not read the variables with its rights."""
    identity = identity_of(place.account, about["Role"])
    if identity is None or not admits(identity, _TAKER, "sts:AssumeRole", {}):
        message = "The role defined for the function cannot be assumed by Lambda."
    elif (key := about.get("KMSKeyArn")) and not allows(identity, Request("kms:Decrypt", key)):
        message = "Lambda was unable to decrypt the environment variables because KMS access was denied."
    else:
        return None
    return Answer(json.dumps({"errorType": _DENIED, "errorMessage": message}).encode(), _DENIED)


def _variables(place: Place, about: Mapping[str, Any], credentials: Mapping[str, str], stream: str) -> dict[str, str]:
    """Return the function's own variables and Lambda's (Lambda Developer Guide, "Defined runtime environment
    variables"), with the local clouds in the place of the real ones."""
    given: dict[str, str] = about.get("Environment", {}).get("Variables", {})
    for public, local in place.addresses.items():
        given = {name: value.replace(public, local) for name, value in given.items()}
    return {
        **given,
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_DEFAULT_REGION": place.region,
        "AWS_ENDPOINT_URL": place.endpoint,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{about['Runtime']}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(about["MemorySize"]),
        "AWS_LAMBDA_FUNCTION_NAME": about["FunctionName"],
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": about["LoggingConfig"]["LogFormat"],
        "AWS_LAMBDA_LOG_GROUP_NAME": about["LoggingConfig"]["LogGroup"],
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": place.region,
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def _keep(place: Place, credentials: Mapping[str, str], group: str, stream: str, ran: Ran) -> None:
    """Write the lines into the log group with the function's rights; without them they are lost, as in AWS."""
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in ran.lines if line]
    if not events:
        return
    with closing(Guests(place.endpoint, place.region)) as guests:
        logs = guests.client(credentials, "logs")
        try:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except ClientError:
            return
