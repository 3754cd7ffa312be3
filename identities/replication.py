"""The role with which S3 copies the vault into another region. It is here because whoever deploys a stage has no right
over IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pulumi
from pulumi_aws.iam import Role, RolePolicy

from bulkhead.model.aws_scope import AwsScope
from bulkhead.model.iam import Document, Grant, called, document
from jobs.folders import MIRRORED

_S3: str = "s3.amazonaws.com"


class ReplicationRole(pulumi.ComponentResource):
    """The role, below the stage's boundary. S3 alone may take it, and for a bucket of the stage's account."""

    def __init__(
        self,
        name: str,
        scope: AwsScope,
        boundary: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("bulkhead:identities:ReplicationRole", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = Role(
            name,
            name=scope.replication_role,
            path=scope.role_path,
            description=f"Copies the backups of {scope.label.product} {scope.label.environment} to another region",
            assume_role_policy=json.dumps(replication_trust(scope)),
            permissions_boundary=boundary,
            opts=child,
        )
        RolePolicy(
            name,
            name=scope.replication_role,
            role=role.name,
            policy=json.dumps(document(grant.statement() for grant in replication_grants(scope))),
            opts=child,
        )
        self.register_outputs({})


def replication_trust(scope: AwsScope) -> Document:
    own = {"StringEquals": {"aws:SourceAccount": scope.account}}
    service = {"Principal": {"Service": _S3}, "Action": "sts:AssumeRole", "Condition": own}
    return document([{"Sid": "CopiesForThisAccount", "Effect": "Allow", **service}])


def replication_grants(scope: AwsScope) -> Iterator[Grant]:
    """Yield what S3 needs to copy (Amazon S3 User Guide, "Setting up permissions for live replication", with what
    object lock and KMS add). Of a backup it may not copy a deletion."""
    vault, replica = (f"arn:{scope.partition}:s3:::{name}" for name in (scope.vault, scope.replica))
    yield Grant(
        "SeeWhatIsToBeCopied",
        "S3 reads the rule, and looks for what is new",
        ["s3:GetReplicationConfiguration", "s3:ListBucket"],
        [vault],
    )
    yield Grant(
        "ReadVersions",
        "a version is copied with its tags and its lock",
        [
            "s3:GetObjectLegalHold",
            "s3:GetObjectRetention",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionTagging",
        ],
        [f"{vault}/*"],
    )
    yield Grant(
        "WriteCopies",
        "copies are added, and none is taken away",
        ["s3:ReplicateObject", "s3:ReplicateTags"],
        [f"{replica}/*"],
    )
    yield Grant(
        "MarkWhatIsGone",
        "what is gone at its source is marked in the copy, too, and its versions go when its time is up",
        ["s3:ReplicateDelete"],
        [f"{replica}/{MIRRORED}*"],
    )
    for sid, reason, action, region, key in (
        ("OpenBackups", "what is copied is encrypted", "kms:Decrypt", scope.region, scope.vault_alias),
        ("CloseCopies", "the copy has a key of its own", "kms:Encrypt", scope.replica_region, scope.replica_alias),
    ):
        yield Grant(sid, reason, [action], [scope.arn("kms", "key/*", region=region)], called(key))
