"""Schedules in the local AWS, and the groups that they are in. They are kept there, and a clock of ours calls."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import TAGS, Shape, Tagging
from bulkhead.localclouds.providers.handler import Properties

_TAGGING: Final = Tagging()
_SCHEDULE: Final = Shape(
    {
        "description": "Description",
        "flexibleTimeWindow": (
            "FlexibleTimeWindow",
            Shape({"maximumWindowInMinutes": "MaximumWindowInMinutes", "mode": "Mode"}),
        ),
        "groupName": "GroupName",
        "kmsKeyArn": "KmsKeyArn",
        "name": "Name",
        "scheduleExpression": "ScheduleExpression",
        "scheduleExpressionTimezone": "ScheduleExpressionTimezone",
        "state": "State",
        "target": (
            "Target",
            Shape(
                {
                    "arn": "Arn",
                    "deadLetterConfig": ("DeadLetterConfig", Shape({"arn": "Arn"})),
                    "input": "Input",
                    "retryPolicy": (
                        "RetryPolicy",
                        Shape(
                            {
                                "maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
                                "maximumRetryAttempts": "MaximumRetryAttempts",
                            }
                        ),
                    ),
                    "roleArn": "RoleArn",
                }
            ),
        ),
    }
)
_DEFAULT_GROUP: Final = "default"
# A change that leaves one of these out resets it (Scheduler API reference, UpdateSchedule).
_UNSET: Final[Properties] = {
    "description": "",
    "kmsKeyArn": "",
    "scheduleExpressionTimezone": "UTC",
    "state": "ENABLED",
}
_RETRIES: Final = {"maximumEventAgeInSeconds": 86_400, "maximumRetryAttempts": 185}


class ScheduleGroup(AwsResource):
    """A group of schedules. Its id is its name."""

    understood = frozenset({"name", "tags"})

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        tags: Any = TAGS.to_api(wanted["tagsAll"])
        cloud.scheduler.create_schedule_group(Name=wanted["name"], Tags=tags)
        return str(wanted["name"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.scheduler.get_schedule_group, Name=id_)
        if answer is None:
            return None
        return {
            "arn": answer["Arn"],
            "creationDate": answer["CreationDate"].isoformat(),
            "lastModificationDate": answer["LastModificationDate"].isoformat(),
            "name": id_,
            "region": cloud.region,
            "state": answer["State"],
            "tagsAll": _TAGGING.of(cloud.scheduler, ResourceArn=answer["Arn"]),
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        arn = cloud.scheduler.get_schedule_group(Name=id_)["Arn"]
        _TAGGING.write(cloud.scheduler, wanted["tagsAll"], ResourceArn=arn)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.scheduler.delete_schedule_group, Name=id_)


class Schedule(AwsResource):
    """A schedule. Its id is its group's name and its own. Left out: when it begins and ends, and parameters of targets
    other than a function."""

    understood = frozenset(_SCHEDULE.names)
    defaults: ClassVar[Properties] = {**_UNSET, "groupName": _DEFAULT_GROUP}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        cloud.scheduler.create_schedule(**_request(wanted))
        return f"{wanted.get('groupName', _DEFAULT_GROUP)}/{wanted['name']}"

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        group, _, name = id_.partition("/")
        answer = unless_absent(cloud.scheduler.get_schedule, GroupName=group, Name=name)
        if answer is None:
            return None
        return {**_UNSET, **_SCHEDULE.from_api(answer), "arn": answer["Arn"], "region": cloud.region}

    def phrase(self, truth: dict[str, Any], declared: Properties) -> None:
        """AWS says how often it tries again; the provider is silent where the program is."""
        target = declared.get("target") or {}
        if "retryPolicy" not in target and truth["target"].get("retryPolicy") == _RETRIES:
            del truth["target"]["retryPolicy"]

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.scheduler.update_schedule(**_request(wanted))

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        group, _, name = id_.partition("/")
        unless_absent(cloud.scheduler.delete_schedule, GroupName=group, Name=name)


def _request(wanted: Properties) -> Any:
    given = {name: wanted[name] for name in _SCHEDULE.names if wanted.get(name)}
    target = {**given["target"], "retryPolicy": {**_RETRIES, **given["target"].get("retryPolicy", {})}}
    return _SCHEDULE.to_api({**given, "target": target})
