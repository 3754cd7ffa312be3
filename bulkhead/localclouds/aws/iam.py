"""IAM roles, their inline policies and identity providers in the local AWS. moto keeps policies, and does not enforce
them unless told to; conditions it never evaluates."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import TAGS, Tagging
from bulkhead.localclouds.providers.handler import ApiRefusal, Properties

_LONGEST_SESSION_SECONDS: Final = 3600  # IAM's default
_ROLE_TAGGING: Final = Tagging("list_role_tags", "tag_role", "untag_role")
_POLICY_TAGGING: Final = Tagging("list_policy_tags", "tag_policy", "untag_policy")
_PROVIDER_TAGGING: Final = Tagging(
    "list_open_id_connect_provider_tags", "tag_open_id_connect_provider", "untag_open_id_connect_provider"
)


class Role(AwsResource):
    """A role. One that still has policies cannot be deleted, as in AWS, unless it says ``forceDetachPolicies``."""

    understood = frozenset(
        {
            "assumeRolePolicy",
            "description",
            "forceDetachPolicies",
            "maxSessionDuration",
            "name",
            "path",
            "permissionsBoundary",
            "tags",
        }
    )
    defaults: ClassVar[Properties] = {
        "description": "",
        "maxSessionDuration": _LONGEST_SESSION_SECONDS,
        "path": "/",
        "permissionsBoundary": "",
    }

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        name = str(wanted["name"])
        request: dict[str, Any] = {
            "RoleName": name,
            "AssumeRolePolicyDocument": wanted["assumeRolePolicy"],
            "Path": wanted.get("path", "/"),
            "Description": wanted.get("description", ""),
            "MaxSessionDuration": wanted.get("maxSessionDuration", _LONGEST_SESSION_SECONDS),
            "Tags": TAGS.to_api(wanted["tagsAll"]),
        }
        if "permissionsBoundary" in wanted:
            request["PermissionsBoundary"] = wanted["permissionsBoundary"]
        cloud.iam.create_role(**request)
        return name

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.iam.get_role, RoleName=id_)
        if answer is None:
            return None
        role = answer["Role"]
        return {
            "name": id_,
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].isoformat(),
            "path": role["Path"],
            "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"]),
            "description": role.get("Description", ""),
            "maxSessionDuration": role["MaxSessionDuration"],
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            "tagsAll": TAGS.from_api(role.get("Tags", [])),
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.iam.update_assume_role_policy(RoleName=id_, PolicyDocument=wanted["assumeRolePolicy"])
        cloud.iam.update_role(
            RoleName=id_,
            Description=wanted.get("description", ""),
            MaxSessionDuration=wanted.get("maxSessionDuration", _LONGEST_SESSION_SECONDS),
        )
        if "permissionsBoundary" in wanted:
            cloud.iam.put_role_permissions_boundary(RoleName=id_, PermissionsBoundary=wanted["permissionsBoundary"])
        else:
            unless_absent(cloud.iam.delete_role_permissions_boundary, RoleName=id_)
        _ROLE_TAGGING.write(cloud.iam, wanted["tagsAll"], RoleName=id_)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if self.see(cloud, id_) is None:
            return
        if inputs.get("forceDetachPolicies"):
            for name in cloud.iam.list_role_policies(RoleName=id_)["PolicyNames"]:
                cloud.iam.delete_role_policy(RoleName=id_, PolicyName=name)
            for policy in cloud.iam.list_attached_role_policies(RoleName=id_)["AttachedPolicies"]:
                cloud.iam.detach_role_policy(RoleName=id_, PolicyArn=policy["PolicyArn"])
        cloud.iam.delete_role(RoleName=id_)


class Policy(AwsResource):
    """A policy that several roles may share, or have as their limit. Its id is its ARN.

    A change makes a new version and removes the old ones: IAM keeps five, and nobody looks at them.
    """

    understood = frozenset({"description", "name", "path", "policy", "tags"})
    defaults: ClassVar[Properties] = {"description": "", "path": "/"}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        return cloud.iam.create_policy(
            PolicyName=wanted["name"],
            Path=wanted.get("path", "/"),
            PolicyDocument=wanted["policy"],
            Description=wanted.get("description", ""),
            Tags=TAGS.to_api(wanted["tagsAll"]),  # type: ignore[arg-type]
        )["Policy"]["Arn"]

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.iam.get_policy, PolicyArn=id_)
        if answer is None:
            return None
        policy = answer["Policy"]
        version = cloud.iam.get_policy_version(PolicyArn=id_, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        return {
            "arn": id_,
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policyId": policy["PolicyId"],
            "description": policy.get("Description", ""),
            "policy": json.dumps(version["Document"]),
            "tagsAll": TAGS.from_api(policy.get("Tags", [])),
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.iam.create_policy_version(PolicyArn=id_, PolicyDocument=wanted["policy"], SetAsDefault=True)
        self._remove_old_versions(cloud, id_)
        _POLICY_TAGGING.write(cloud.iam, wanted["tagsAll"], PolicyArn=id_)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if self.see(cloud, id_) is not None:
            self._remove_old_versions(cloud, id_)
            cloud.iam.delete_policy(PolicyArn=id_)

    def _remove_old_versions(self, cloud: Cloud, id_: str) -> None:
        for version in cloud.iam.list_policy_versions(PolicyArn=id_)["Versions"]:
            if not version["IsDefaultVersion"]:
                cloud.iam.delete_policy_version(PolicyArn=id_, VersionId=version["VersionId"])


class RolePolicy(AwsResource):
    """An inline policy of a role. Its id is ``role:policy``."""

    understood = frozenset({"name", "policy", "role"})

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        id_ = f"{wanted['role']}:{wanted['name']}"
        self.change(cloud, id_, wanted)
        return id_

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        role, _, name = id_.partition(":")
        answer = unless_absent(cloud.iam.get_role_policy, RoleName=role, PolicyName=name)
        return answer and {"role": role, "name": name, "policy": json.dumps(answer["PolicyDocument"])}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        role, _, name = id_.partition(":")
        cloud.iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=wanted["policy"])

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        role, _, name = id_.partition(":")
        unless_absent(cloud.iam.delete_role_policy, RoleName=role, PolicyName=name)


class OpenIdConnectProvider(AwsResource):
    """An identity provider that roles of this account may trust; an account has one for each URL."""

    understood = frozenset({"clientIdLists", "tags", "thumbprintLists", "url"})

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        return cloud.iam.create_open_id_connect_provider(
            Url=wanted["url"],
            ClientIDList=wanted["clientIdLists"],
            ThumbprintList=wanted.get("thumbprintLists", []),
            Tags=TAGS.to_api(wanted["tagsAll"]),  # type: ignore[arg-type]
        )["OpenIDConnectProviderArn"]

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.iam.get_open_id_connect_provider, OpenIDConnectProviderArn=id_)
        return answer and {
            "arn": id_,
            "url": f"https://{answer['Url']}",
            "clientIdLists": answer["ClientIDList"],
            "thumbprintLists": answer["ThumbprintList"],
            "tagsAll": TAGS.from_api(answer.get("Tags", [])),
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        seen = self.see(cloud, id_)
        if seen is None:
            raise ApiRefusal(f"{id_} does not exist any more: refresh, then it is made again")
        if sorted(seen["clientIdLists"]) != sorted(wanted["clientIdLists"]):
            raise ApiRefusal("the local AWS cannot change the audiences of an identity provider (moto lacks the call)")
        if wanted.get("thumbprintLists"):
            cloud.iam.update_open_id_connect_provider_thumbprint(
                OpenIDConnectProviderArn=id_, ThumbprintList=wanted["thumbprintLists"]
            )
        _PROVIDER_TAGGING.write(cloud.iam, wanted["tagsAll"], OpenIDConnectProviderArn=id_)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=id_)
