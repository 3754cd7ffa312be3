"""KMS keys and aliases in the local AWS."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import every, unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import Tagging, Tags
from bulkhead.localclouds.providers.handler import Properties

_TAGGING: Final = Tagging("list_resource_tags", tags=Tags("TagKey", "TagValue"))
_LONGEST_WINDOW_DAYS: Final = 30  # what KMS takes when a key's deletion names no window


class Key(AwsResource):
    """A key. Deleting one schedules its deletion; from then on it counts as gone. moto forgets the rotation period."""

    understood = frozenset(
        {
            "bypassPolicyLockoutSafetyCheck",
            "customerMasterKeySpec",
            "deletionWindowInDays",
            "description",
            "enableKeyRotation",
            "isEnabled",
            "keyUsage",
            "multiRegion",
            "policy",
            "rotationPeriodInDays",
            "tags",
        }
    )
    defaults: ClassVar[Properties] = {"enableKeyRotation": False, "isEnabled": True, "description": ""}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        request: dict[str, Any] = {
            "Description": wanted.get("description", ""),
            "KeyUsage": wanted.get("keyUsage", "ENCRYPT_DECRYPT"),
            "KeySpec": wanted.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT"),
            "MultiRegion": wanted.get("multiRegion", False),
            "Tags": _TAGGING.tags.to_api(wanted["tagsAll"]),
        }
        if "policy" in wanted:
            request["Policy"] = wanted["policy"]
        id_: str = cloud.kms.create_key(**request)["KeyMetadata"]["KeyId"]
        self.change(cloud, id_, wanted)
        return id_

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.kms.describe_key, KeyId=id_)
        if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        key = answer["KeyMetadata"]
        return {
            "arn": key["Arn"],
            "keyId": id_,
            "description": key["Description"],
            "isEnabled": key["Enabled"],
            "keyUsage": key.get("KeyUsage", "ENCRYPT_DECRYPT"),
            "customerMasterKeySpec": key["KeySpec"],
            "multiRegion": key.get("MultiRegion", False),
            "enableKeyRotation": cloud.kms.get_key_rotation_status(KeyId=id_)["KeyRotationEnabled"],
            "policy": cloud.kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"],
            "tagsAll": _TAGGING.of(cloud.kms, KeyId=id_),
            "region": cloud.region,
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.kms.update_key_description(KeyId=id_, Description=wanted.get("description", ""))
        if "policy" in wanted:
            cloud.kms.put_key_policy(KeyId=id_, PolicyName="default", Policy=wanted["policy"])
        self._rotate(cloud, id_, wanted)
        if wanted.get("isEnabled", True):
            cloud.kms.enable_key(KeyId=id_)
        else:
            cloud.kms.disable_key(KeyId=id_)
        _TAGGING.write(cloud.kms, wanted["tagsAll"], KeyId=id_)

    def _rotate(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        if not wanted.get("enableKeyRotation", False):
            cloud.kms.disable_key_rotation(KeyId=id_)
        elif "rotationPeriodInDays" in wanted:
            cloud.kms.enable_key_rotation(KeyId=id_, RotationPeriodInDays=wanted["rotationPeriodInDays"])
        else:
            cloud.kms.enable_key_rotation(KeyId=id_)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if self.see(cloud, id_) is not None:
            days = inputs.get("deletionWindowInDays", _LONGEST_WINDOW_DAYS)
            cloud.kms.schedule_key_deletion(KeyId=id_, PendingWindowInDays=days)


class Alias(AwsResource):
    """A key's name. ``targetKeyId`` may be the id or the ARN of the key."""

    understood = frozenset({"name", "targetKeyId"})

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        name = str(wanted["name"])
        cloud.kms.create_alias(AliasName=name, TargetKeyId=wanted["targetKeyId"])
        return name

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        alias = _alias(cloud, id_)
        if alias is None:
            return None
        key = unless_absent(cloud.kms.describe_key, KeyId=alias["TargetKeyId"])
        return {
            "name": id_,
            "targetKeyId": alias["TargetKeyId"],
            "targetKeyArn": key and key["KeyMetadata"]["Arn"],
            "arn": alias["AliasArn"],
            "region": cloud.region,
        }

    def phrase(self, truth: dict[str, Any], declared: Properties) -> None:
        if declared["targetKeyId"] == truth["targetKeyArn"]:
            truth["targetKeyId"] = truth["targetKeyArn"]

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.kms.update_alias(AliasName=id_, TargetKeyId=wanted["targetKeyId"])

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if _alias(cloud, id_) is not None:
            cloud.kms.delete_alias(AliasName=id_)


def _alias(cloud: Cloud, name: str) -> Any | None:
    aliases = every(cloud.kms, "list_aliases", "Aliases")
    return next((alias for alias in aliases if alias["AliasName"] == name), None)
