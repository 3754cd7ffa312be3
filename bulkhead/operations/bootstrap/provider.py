"""The identity provider through which GitHub takes the roles of a stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bulkhead.clients.clouds import unless_absent
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.trust import AUDIENCE, GITHUB
from bulkhead.operations.bootstrap.steps import BootstrapStep, Effect
from bulkhead.operations.bootstrap.target import Target

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient


def provider_steps(target: Target, iam: IAMClient) -> Iterator[BootstrapStep]:
    """Yield the account's identity provider. An account has one; in a shared account the stage that owns the account
    makes it, and the others refuse to go on without it."""
    arn = target.scope.arn("iam", f"oidc-provider/{GITHUB}")
    found = unless_absent(iam.get_open_id_connect_provider, "NoSuchEntity", OpenIDConnectProviderArn=arn)
    admits = found is not None and AUDIENCE in found["ClientIDList"]
    if not target.owns_account:
        if not admits:
            raise _none(target)
        return

    def make() -> None:
        if found is None:
            tags: Any = [{"Key": key, "Value": value} for key, value in target.tags.items()]
            iam.create_open_id_connect_provider(Url=f"https://{GITHUB}", ClientIDList=[AUDIENCE], Tags=tags)
        else:
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=AUDIENCE)

    yield BootstrapStep(
        f"identity provider {GITHUB}",
        "lets GitHub's pipelines prove who they are, so that no key of AWS is stored in GitHub",
        Effect.EXISTS if admits else Effect.CREATE if found is None else Effect.CHANGE,
        make,
    )


def _none(target: Target) -> Refused:
    environment = target.scope.label.environment
    message = f"is not in account {target.scope.account}, and {environment} does not own that account"
    fix = (
        "bootstrap the stage that owns it first; or, if this stage does: pulumi config set --path "
        f"bulkhead:owns.awsAccount true --stack {environment}"
    )
    return Refused("The account has no way for GitHub to prove who it is.", [Fault(GITHUB, message, fix)])
