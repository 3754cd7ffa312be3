"""The role everything later runs as, and the identity provider through which GitHub takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from infra.faults import Fault, Refused
from operations.bootstrap.key import SecretsKey
from operations.bootstrap.parts import MADE_BY, Effect, Step, Target, covers, unless_absent
from operations.bootstrap.policies import AUDIENCE, GITHUB, permissions, trust

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient

_POLICY: Final = "deploy"
_SESSION_SECONDS: Final = 3600


def identity_provider_steps(target: Target, iam: IAMClient) -> Iterator[Step]:
    """Yield the account's identity provider. An account has one; in a shared account the stage that owns the account
    makes it, and the others refuse to go on without it."""
    arn = target.arn("iam", f"oidc-provider/{GITHUB}")
    found = unless_absent(iam.get_open_id_connect_provider, "NoSuchEntity", OpenIDConnectProviderArn=arn)
    admits = found is not None and AUDIENCE in found["ClientIDList"]
    if not target.owns_account:
        if not admits:
            raise _no_identity_provider(target)
        return

    def make() -> None:
        if found is None:
            tags: Any = [{"Key": key, "Value": value} for key, value in target.tags.items()]
            iam.create_open_id_connect_provider(Url=f"https://{GITHUB}", ClientIDList=[AUDIENCE], Tags=tags)
        else:
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=AUDIENCE)

    yield Step(
        f"identity provider {GITHUB}",
        "lets GitHub's pipelines prove who they are, so that no key of AWS is stored in GitHub",
        Effect.EXISTS if admits else Effect.CREATE if found is None else Effect.CHANGE,
        make,
    )


def role_steps(target: Target, iam: IAMClient, key: SecretsKey) -> Iterator[Step]:
    """Yield the role and what it may do. Raises Refused when the settings name a role that was not made here."""
    found = unless_absent(iam.get_role, "NoSuchEntity", RoleName=target.role_name)
    if found and not covers(_tags(iam, target), MADE_BY):
        raise _foreign(target)
    right = (
        found is not None
        and found["Role"]["AssumeRolePolicyDocument"] == trust(target)
        and found["Role"]["MaxSessionDuration"] == _SESSION_SECONDS
        and covers(_tags(iam, target), target.tags)
    )
    yield Step(
        f"role {target.role}, trusted by {' and '.join(target.subjects)} and by people with a second factor",
        "everything later runs as this role; nobody else in GitHub can take it, no other branch or environment",
        Effect.EXISTS if right else Effect.CREATE if found is None else Effect.CHANGE,
        lambda: _put_role(target, iam),
    )
    policy = unless_absent(iam.get_role_policy, "NoSuchEntity", RoleName=target.role_name, PolicyName=_POLICY)
    allowed = policy["PolicyDocument"] if policy else None
    permitted = key.arn is not None and allowed == permissions(target, key.arn)
    may = "nothing of IAM" if target.removes else "nothing of IAM, and no backup can be deleted"
    yield Step(
        f"permissions of that role: the stage's state, secrets, vaults, keys, topics and budgets; {may}",
        "a leaked pipeline can do no more than that, and cannot widen it",
        Effect.EXISTS if permitted else Effect.CREATE if policy is None else Effect.CHANGE,
        lambda: _put_permissions(target, iam, key),
    )


def _put_role(target: Target, iam: IAMClient) -> None:
    document = json.dumps(trust(target))
    tags: Any = [{"Key": name, "Value": value} for name, value in target.tags.items()]
    if unless_absent(iam.get_role, "NoSuchEntity", RoleName=target.role_name) is None:
        iam.create_role(
            RoleName=target.role_name,
            Path=target.role_path,
            AssumeRolePolicyDocument=document,
            Description=f"Deploys {target.label.product} {target.label.environment}",
            MaxSessionDuration=_SESSION_SECONDS,
            Tags=tags,
        )
        return
    iam.update_assume_role_policy(RoleName=target.role_name, PolicyDocument=document)
    iam.update_role(RoleName=target.role_name, MaxSessionDuration=_SESSION_SECONDS)
    iam.tag_role(RoleName=target.role_name, Tags=tags)


def _put_permissions(target: Target, iam: IAMClient, key: SecretsKey) -> None:
    document = json.dumps(permissions(target, key.required()))
    iam.put_role_policy(RoleName=target.role_name, PolicyName=_POLICY, PolicyDocument=document)


def _tags(iam: IAMClient, target: Target) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=target.role_name)["Tags"]}


def _foreign(target: Target) -> Refused:
    message = "exists and was not made by a bootstrap: its trust and its permissions would be replaced"
    fix = (
        "give the stage a role name of its own (pulumi config set --path bulkhead:aws.roleArn "
        f"{target.arn('iam', f'role/bulkhead-{target.label.environment}')} --stack {target.label.environment})"
    )
    return Refused("The role in the settings belongs to something else.", [Fault(target.role, message, fix)])


def _no_identity_provider(target: Target) -> Refused:
    message = f"is not in account {target.account}, and {target.label.environment} does not own that account"
    fix = (
        "bootstrap the stage that owns it first; or, if this stage does: pulumi config set --path "
        f"bulkhead:owns.awsAccount true --stack {target.label.environment}"
    )
    return Refused("The account has no way for GitHub to prove who it is.", [Fault(GITHUB, message, fix)])
