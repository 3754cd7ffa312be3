"""SSM parameters in the local AWS."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import TAGS, Tagging
from bulkhead.localclouds.providers.handler import Properties

_TAGGING: Final = Tagging(tag="add_tags_to_resource", untag="remove_tags_from_resource", member="TagList")


class Parameter(AwsResource):
    """A parameter of any type; an encrypted one is read back decrypted, as the real provider does. Its id is its
    name."""

    understood = frozenset({"dataType", "description", "keyId", "name", "overwrite", "tags", "tier", "type", "value"})
    defaults: ClassVar[Properties] = {"dataType": "text", "description": "", "tier": "Standard"}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        tags: Any = TAGS.to_api(wanted["tagsAll"])
        cloud.ssm.put_parameter(**_request(wanted), Tags=tags)
        return str(wanted["name"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.ssm.get_parameter, Name=id_, WithDecryption=True)
        if answer is None:
            return None
        parameter = answer["Parameter"]
        filters: Any = [{"Key": "Name", "Option": "Equals", "Values": [id_]}]
        about = cloud.ssm.describe_parameters(ParameterFilters=filters)["Parameters"][0]
        return {
            "arn": parameter["ARN"],
            "dataType": parameter["DataType"],
            "description": about.get("Description", ""),
            "keyId": about.get("KeyId", ""),
            "name": id_,
            "tier": about.get("Tier", "Standard"),
            "type": parameter["Type"],
            "value": parameter["Value"],
            "version": parameter["Version"],
            "region": cloud.region,
            "tagsAll": _TAGGING.of(cloud.ssm, ResourceType="Parameter", ResourceId=id_),
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.ssm.put_parameter(**_request(wanted), Overwrite=True)
        _TAGGING.write(cloud.ssm, wanted["tagsAll"], ResourceType="Parameter", ResourceId=id_)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.ssm.delete_parameter, Name=id_)


def _request(wanted: Properties) -> dict[str, Any]:
    request = {name.title(): wanted[name] for name in ("name", "type", "value")}
    request["Description"] = wanted.get("description", "")  # without it, the old description would stay
    optional = {"KeyId": wanted.get("keyId"), "Tier": wanted.get("tier")}
    return request | {name: value for name, value in optional.items() if value}
