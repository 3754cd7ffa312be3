"""CloudWatch's alarms in the local AWS. They are kept there and never go off: moto measures nothing."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import TAGS, Tagging
from bulkhead.localclouds.providers.handler import Properties

_NAMES: Final = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluationPeriods": "EvaluationPeriods",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "name": "AlarmName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
}
_TAGGING: Final = Tagging()
_WHOLE: Final = frozenset({"datapointsToAlarm", "evaluationPeriods", "period"})  # the engine knows one kind of number


class MetricAlarm(AwsResource):
    """An alarm on one metric. Its id is its name. Left out: alarms on expressions, percentiles and anomalies."""

    understood = frozenset({*_NAMES, "dimensions", "tags"})
    defaults: ClassVar[Properties] = {"actionsEnabled": True, "treatMissingData": "missing"}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        tags: Any = TAGS.to_api(wanted["tagsAll"])
        cloud.cloudwatch.put_metric_alarm(**_request(wanted), Tags=tags)
        return str(wanted["name"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        found = cloud.cloudwatch.describe_alarms(AlarmNames=[id_])["MetricAlarms"]
        if not found:
            return None
        alarm: Any = found[0]
        return {
            "arn": alarm["AlarmArn"],
            "dimensions": {each["Name"]: each["Value"] for each in alarm["Dimensions"]},
            "region": cloud.region,
            "tagsAll": _TAGGING.of(cloud.cloudwatch, ResourceARN=alarm["AlarmArn"]),
            **{name: alarm.get(api) for name, api in _NAMES.items()},
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.cloudwatch.put_metric_alarm(**_request(wanted))
        arn = cloud.cloudwatch.describe_alarms(AlarmNames=[id_])["MetricAlarms"][0]["AlarmArn"]
        _TAGGING.write(cloud.cloudwatch, wanted["tagsAll"], ResourceARN=arn)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        cloud.cloudwatch.delete_alarms(AlarmNames=[id_])


def _request(wanted: Properties) -> Any:
    request = {
        api: int(wanted[name]) if name in _WHOLE else wanted[name] for name, api in _NAMES.items() if name in wanted
    }
    dimensions = wanted.get("dimensions", {})
    return request | {"Dimensions": [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]}
