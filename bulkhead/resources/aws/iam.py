"""AWS IAM: roles, what they may do, and who may take them."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.kind import EACH_NEW, Create, Grants, Guard, Link, Reference, Rehearsed, ResourceType

IAM_ACCESS_KEY: Final = ResourceType(
    "aws:iam/accessKey:AccessKey",
    admitted="a user's access key never expires; a role needs none",
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    secrets=frozenset({"secret", "sesSmtpPasswordV4"}),
)

IAM_GROUP: Final = ResourceType(
    "aws:iam/group:Group",
    admitted="a group is of users, and a stage has none",
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(),
)

IAM_GROUP_POLICY: Final = ResourceType(
    "aws:iam/groupPolicy:GroupPolicy",
    admitted="a group is of users, and a stage has none",
    holds_data="",
    identity_inputs=("group", "name"),
    left_behind="",
    references=(),
    documents={"policy": Grants.RIGHTS},
)

IAM_GROUP_POLICY_ATTACHMENT: Final = ResourceType(
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    admitted="a group is of users, and a stage has none",
    holds_data="",
    identity_inputs=("group", "policyArn"),
    left_behind="",
    references=(),
)

IAM_OPEN_ID_CONNECT_PROVIDER: Final = ResourceType(
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    admitted=True,
    unjudged="it says whose tokens may be shown at all; only the trust of a role lets one in, and that is judged",
    holds_data="",
    identity_inputs=("url",),
    left_behind="",
    references=(),
    guards=Guard(("clientIdLists", "url")),
    replaced_by=frozenset({"url"}),
    create=Create.REFUSED,
    taggable=True,
    tells={"arn": "arn:aws:iam::{account}:oidc-provider/{host}", "id": "{arn}"},
    rehearsed=Rehearsed.EMULATED,
)

IAM_POLICY: Final = ResourceType(
    "aws:iam/policy:Policy",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(),
    guards=Guard(("policy",)),
    named_by="name",
    replaced_by=frozenset({"description", "name", "namePrefix", "path"}),
    create=Create.REFUSED,
    documents={"policy": Grants.RIGHTS},
    taggable=True,
    tells={"arn": "arn:aws:iam::{account}:policy{path}{name}", "id": "{arn}"},
    rehearsed=Rehearsed.EMULATED,
    limits={"policy": 6144},  # IAM and STS quotas: a managed policy
)

IAM_POLICY_ATTACHMENT: Final = ResourceType(
    "aws:iam/policyAttachment:PolicyAttachment",
    admitted="it detaches the policy from everybody else in the account",
    holds_data="",
    identity_inputs=("policyArn",),
    left_behind="",
    references=(),
    use_instead="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
)

IAM_ROLE: Final = ResourceType(
    "aws:iam/role:Role",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(
        Reference("permissionsBoundary", Link.RIGHTS, (IAM_POLICY,)),
        Reference("managedPolicyArns[]", Link.RIGHTS, (IAM_POLICY,)),
    ),
    guards=Guard(("assumeRolePolicy", "permissionsBoundary", "inlinePolicies", "managedPolicyArns")),
    named_by="name",
    replaced_by=frozenset({"name", "namePrefix", "path"}),
    create=Create.REFUSED,
    documents={"assumeRolePolicy": Grants.TRUST},
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:iam::{account}:role{path}{name}"},
    rehearsed=Rehearsed.EMULATED,
)

IAM_ROLE_POLICY: Final = ResourceType(
    "aws:iam/rolePolicy:RolePolicy",
    admitted=True,
    holds_data="",
    identity_inputs=("role", "name"),
    left_behind="",
    references=(Reference("role", Link.RIGHTS, (IAM_ROLE,)),),
    guards=Guard(("policy",)),
    replaced_by=frozenset({"name", "namePrefix", "role"}),
    documents={"policy": Grants.RIGHTS},
    rehearsed=Rehearsed.EMULATED,
    limits={"policy": 10_240},  # IAM and STS quotas: all inline policies of a role together
)

IAM_ROLE_POLICY_ATTACHMENT: Final = ResourceType(
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    admitted=True,
    holds_data="",
    identity_inputs=("role", "policyArn"),
    left_behind="",
    references=(Reference("role", Link.RIGHTS, (IAM_ROLE,)), Reference("policyArn", Link.RIGHTS, (IAM_POLICY,))),
    guards=Guard(("policyArn", "role")),
    connects=("role", "policyArn"),
)

IAM_USER: Final = ResourceType(
    "aws:iam/user:User",
    admitted="a user's credentials never expire; a role is assumed, and its session ends",
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(),
    taggable=True,
)

IAM_USER_LOGIN_PROFILE: Final = ResourceType(
    "aws:iam/userLoginProfile:UserLoginProfile",
    admitted="a person's password is no part of a stage",
    holds_data="",
    identity_inputs=("user",),
    left_behind="",
    references=(),
    secrets=frozenset({"encryptedPassword", "password"}),
)

IAM_USER_POLICY: Final = ResourceType(
    "aws:iam/userPolicy:UserPolicy",
    admitted="a stage has no users; a role is assumed, and its session ends",
    holds_data="",
    identity_inputs=("user", "name"),
    left_behind="",
    references=(),
    documents={"policy": Grants.RIGHTS},
)

IAM_USER_POLICY_ATTACHMENT: Final = ResourceType(
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    admitted="a stage has no users; a role is assumed, and its session ends",
    holds_data="",
    identity_inputs=("user", "policyArn"),
    left_behind="",
    references=(),
)
