"""Log groups in the local AWS. Nothing in them ever expires."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import Tagging, TagMap
from bulkhead.localclouds.providers.handler import Properties

_TAGGING: Final = Tagging(words=("tags", "tagKeys"), member="tags", tags=TagMap())


class LogGroup(AwsResource):
    """A log group. Its id is its name."""

    understood = frozenset({"kmsKeyId", "name", "retentionInDays", "skipDestroy", "tags"})
    defaults: ClassVar[Properties] = {"kmsKeyId": "", "retentionInDays": 0}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        cloud.logs.create_log_group(logGroupName=wanted["name"], tags=wanted["tagsAll"])
        self.change(cloud, str(wanted["name"]), wanted)
        return str(wanted["name"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        pages = cloud.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=id_)
        for group in (group for page in pages for group in page["logGroups"]):
            if group["logGroupName"] == id_:
                arn = group["arn"].removesuffix(":*")
                return {
                    "arn": arn,
                    "kmsKeyId": group.get("kmsKeyId", ""),
                    "name": id_,
                    "region": cloud.region,
                    "retentionInDays": group.get("retentionInDays", 0),
                    "tagsAll": _TAGGING.of(cloud.logs, resourceArn=arn),
                }
        return None

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        days, key = wanted.get("retentionInDays"), wanted.get("kmsKeyId")
        if days:
            cloud.logs.put_retention_policy(logGroupName=id_, retentionInDays=int(days))
        else:
            cloud.logs.delete_retention_policy(logGroupName=id_)
        if key:
            cloud.logs.associate_kms_key(logGroupName=id_, kmsKeyId=str(key))
        else:
            cloud.logs.disassociate_kms_key(logGroupName=id_)
        arn = f"arn:aws:logs:{cloud.region}:{cloud.account}:log-group:{id_}"
        _TAGGING.write(cloud.logs, wanted["tagsAll"], resourceArn=arn)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if not inputs.get("skipDestroy"):
            unless_absent(cloud.logs.delete_log_group, logGroupName=id_)
