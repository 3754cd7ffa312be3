"""A clock of a rehearsal's own: it reads the schedules of a local AWS and calls what they say, when it is told to.

Nothing waits: two days pass as fast as their jobs run, one after the other. A schedule calls with its own role, as in
AWS, and what it cannot deliver goes to its dead-letter queue.
"""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from bulkhead.clients.clouds import every
from bulkhead.localclouds.aws.client import Guests, client
from bulkhead.localclouds.aws.local import INVOCATIONS
from bulkhead.localclouds.functions.execution import Place
from bulkhead.localclouds.functions.functions import Invocation
from bulkhead.localclouds.functions.letters import send
from bulkhead.model.instants import instant
from bulkhead.model.schedules import due

# What another try would not mend.
_FINAL: Final = frozenset({"AccessDenied", "AccessDeniedException", "ResourceNotFoundException", "ValidationException"})
_LONGEST: Final = 3600.0  # seconds to wait for what was called


@dataclass(frozen=True, slots=True)
class Fired:
    """A call of a schedule: when it was due, what ran because of it, each try and each invocation by a function itself,
    and why it could not be delivered, empty if it could."""

    schedule: str
    due: datetime
    ran: tuple[Invocation, ...]
    refused: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.refused or not self.ran or self.ran[-1].error)


class Jobs:
    """The schedules of an account and a region of the local AWS at ``endpoint``."""

    def __init__(self, endpoint: str, account: str, region: str) -> None:
        self._place = Place(endpoint, account, region, partial(_client, endpoint, account, region), {})
        self._direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fire(self, task: str, at: datetime) -> Fired:
        """Let one schedule call as if it were ``at``, whatever its expression says. ``task`` is its name or the end of
        it. Raises ValueError for none, for several, and for one that is disabled."""
        found = [each for each in self._schedules() if each["Name"] == task or each["Name"].endswith(f"-{task}")]
        if len(found) != 1:
            named = ", ".join(sorted(each["Name"] for each in found or self._schedules())) or "none"
            raise ValueError(f"{task} is {'several schedules' if found else 'no schedule'} here; there are: {named}")
        if found[0]["State"] != "ENABLED":
            raise ValueError(f"{found[0]['Name']} is disabled and calls nobody")
        return self._call(found[0], at)

    def between(self, start: datetime, end: datetime) -> tuple[Fired, ...]:
        """Let each enabled schedule call whenever it is due from ``start`` on and before ``end``, in order."""
        return tuple(self._call(schedule, moment) for moment, schedule in self.due(start, end))

    def due(self, start: datetime, end: datetime) -> list[tuple[datetime, Mapping[str, Any]]]:
        """Return what is due, and when, in order. A rate goes on from when its schedule was made."""
        found = [
            (moment, schedule)
            for schedule in self._schedules()
            if schedule["State"] == "ENABLED"
            for moment in due(
                schedule["ScheduleExpression"],
                schedule.get("ScheduleExpressionTimezone", "UTC"),
                start,
                end,
                anchor=schedule["CreationDate"],
            )
        ]
        return sorted(found, key=lambda each: (each[0], each[1]["Arn"]))

    def ran(self, after: int = 0) -> tuple[Invocation, ...]:
        """Return what ran after the invocation of a number as soon as nothing runs any more; -1 is before the last."""
        address = f"{self._place.endpoint}{INVOCATIONS}?after={after}"
        with self._direct.open(address, timeout=_LONGEST) as answer:
            return tuple(Invocation(**{**each, "lines": tuple(each["lines"])}) for each in json.load(answer))

    def _schedules(self) -> Iterator[Mapping[str, Any]]:
        scheduler = self._place.client("scheduler")
        for each in every(scheduler, "list_schedules", "Schedules"):
            yield scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])

    def _call(self, schedule: Mapping[str, Any], at: datetime) -> Fired:
        before = max((each.number for each in self.ran(-1)), default=0)
        target, execution = schedule["Target"], str(uuid.uuid4())
        attempts = 1 + target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 0)
        body, refused = "", ""
        for attempt in range(1, attempts + 1):
            body = _event(schedule, at, execution, attempt)
            refused = self._delivered(target, body)
            if not refused or refused in _FINAL:
                break
        if refused and (queue := target.get("DeadLetterConfig", {}).get("Arn")):
            told = {
                "ERROR_CODE": refused,
                "EXECUTION_ID": execution,
                "RETRY_ATTEMPTS": str(attempt - 1),
                "SCHEDULE_ARN": schedule["Arn"],
                "TARGET_ARN": target["Arn"],
            }
            refused = "; ".join(filter(None, (refused, send(self._place, target["RoleArn"], queue, body, told))))
        ran = tuple(each for each in self.ran(before) if each.account == self._place.account)
        return Fired(schedule["Name"], at, ran, refused)

    def _delivered(self, target: Mapping[str, Any], body: str) -> str:
        """Invoke the target with the schedule's role; return the code with which it was refused, if it was."""
        if ":lambda:" not in target["Arn"]:
            raise ValueError(f"{target['Arn']}: a rehearsal lets schedules call functions alone")
        guests = Guests(self._place.endpoint, self._place.region)
        try:
            lambda_ = guests.client(self._place.credentials(target["RoleArn"], "schedule"), "lambda")
            lambda_.invoke(FunctionName=target["Arn"], InvocationType="Event", Payload=body.encode())
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        finally:
            guests.close()
        return ""


def _event(schedule: Mapping[str, Any], at: datetime, execution: str, attempt: int) -> str:
    """Return what the scheduler sends, with its words replaced (User Guide, "Context attributes")."""
    words = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": instant(at),
        "execution-id": execution,
        "attempt-number": str(attempt),
    }
    body = str(schedule["Target"].get("Input", "{}"))
    for word, value in words.items():
        body = body.replace(f"<aws.scheduler.{word}>", value)
    return body


def _client(endpoint: str, account: str, region: str, service: str) -> Any:
    return client(endpoint, account, region, service)
