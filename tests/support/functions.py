"""Functions for tests: a few lines of Python as a .zip file, in an account of the local AWS, with a role of its own."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.functions.jobs import Jobs

SERVICES = ("lambda.amazonaws.com", "scheduler.amazonaws.com")


def zipped(body: str, **files: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in {"job": body, **files}.items():
            archive.writestr(f"{name}.py", textwrap.dedent(text))
    return made.getvalue()


def statement(*actions: str, resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*services: str) -> str:
    return document({"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"})


@dataclass
class Account:
    """One account of the local AWS, as its administrator sees it."""

    local: LocalAws
    number: str

    def aws(self, service: str) -> Any:
        return self.local.client(self.number, service)

    @property
    def jobs(self) -> Jobs:
        return Jobs(self.local.endpoint, self.number, self.local.region)

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.local.region}:{self.number}:{rest}"

    def role(self, name: str, *statements: Mapping[str, Any], boundary: str = "", services: Any = SERVICES) -> str:
        iam = self.aws("iam")
        more = {"PermissionsBoundary": boundary} if boundary else {}
        arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(*services), **more)["Role"]["Arn"])
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=document(*statements))
        return arn

    def queue(self, name: str) -> str:
        self.aws("sqs").create_queue(QueueName=name)
        return self.arn("sqs", name)

    def messages(self, name: str) -> list[Any]:
        sqs = self.aws("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        got = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
        return list(got.get("Messages", []))

    def function(self, body: str, role: str, name: str = "job", **more: Any) -> str:
        usual = {"Runtime": "python3.13", "Handler": "job.handler", "MemorySize": 256, "Timeout": 20}
        made = self.aws("lambda").create_function(
            FunctionName=name, Role=role, Code={"ZipFile": zipped(body)}, **{**usual, **more}
        )
        return str(made["FunctionArn"])

    def schedule(self, name: str, expression: str, zone: str, function: str, role: str, **more: Any) -> None:
        target = {"Arn": function, "RoleArn": role, "Input": '{"scheduled": "<aws.scheduler.scheduled-time>"}'}
        self.aws("scheduler").create_schedule(
            Name=name,
            ScheduleExpression=expression,
            ScheduleExpressionTimezone=zone,
            FlexibleTimeWindow={"Mode": "OFF"},
            State=more.pop("State", "ENABLED"),
            Target={**target, **more},
        )

    def invoke(self, name: str = "job", event: Any = None) -> tuple[Any, str]:
        """Return the answer of a function and the sort of its failure, empty if there is none."""
        got = self.aws("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        return json.loads(got["Payload"].read()), got.get("FunctionError", "")

    def later(self, name: str = "job", event: Any = None) -> None:
        self.aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())
