"""AWS's keys and parameters: what secrets are encrypted with, and where jobs read theirs."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.kind import EACH_NEW, Create, Grants, Guard, Link, Reference, Rehearsed, ResourceType, Scope

KMS_KEY: Final = ResourceType(
    "aws:kms/key:Key",
    admitted=True,
    holds_data="whatever was encrypted with it, the backups too: nobody can ever read it again",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    scope=Scope.REGION,
    guards=Guard(("policy", "enableKeyRotation", "isEnabled")),
    replaced_by=frozenset(
        {"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "region", "xksKeyId"}
    ),
    documents={"policy": Grants.RESOURCE},
    taggable=True,
    tells={"keyId": "{id}", "arn": "arn:aws:kms:{region}:{account}:key/{id}"},
    rehearsed=Rehearsed.EMULATED,
)

KMS_ALIAS: Final = ResourceType(
    "aws:kms/alias:Alias",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(Reference("targetKeyId", Link.KEY, (KMS_KEY,)),),
    scope=Scope.REGION,
    named_by="name",
    replaced_by=frozenset({"name", "namePrefix", "region"}),
    create=Create.REFUSED,
    tells={"id": "{name}", "arn": "arn:aws:kms:{region}:{account}:{name}"},
    rehearsed=Rehearsed.EMULATED,
)

KMS_KEY_POLICY: Final = ResourceType(
    "aws:kms/keyPolicy:KeyPolicy",
    admitted=True,
    holds_data="",
    identity_inputs=("keyId",),
    left_behind="",
    references=(Reference("keyId", Link.KEY, (KMS_KEY, KMS_ALIAS)),),
    scope=Scope.REGION,
    guards=Guard(("policy",), of=KMS_KEY, lost="the key's own policy: AWS's default one takes its place"),
    documents={"policy": Grants.RESOURCE},
)

KMS_REPLICA_KEY: Final = ResourceType(
    "aws:kms/replicaKey:ReplicaKey",
    admitted=True,
    holds_data="whatever was encrypted with it, the backups too: nobody can ever read it again",
    identity_inputs=("primaryKeyArn",),
    left_behind="",
    references=(Reference("primaryKeyArn", Link.KEY, (KMS_KEY,)),),
    scope=Scope.REGION,
    guards=Guard(("policy", "enabled")),
    documents={"policy": Grants.RESOURCE},
    taggable=True,
    tells={"keyId": "{id}", "arn": "arn:aws:kms:{region}:{account}:key/{id}"},
)

SECRETS_MANAGER_SECRET_VERSION: Final = ResourceType(
    "aws:secretsmanager/secretVersion:SecretVersion",
    admitted="jobs read their secrets from parameters, and no rule judges who may read one of these",
    holds_data="the secret's value, if nobody wrote it down elsewhere",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    use_instead="aws:ssm/parameter:Parameter",
    scope=Scope.REGION,
    secrets=frozenset({"secretBinary", "secretString"}),
)

SSM_PARAMETER: Final = ResourceType(
    "aws:ssm/parameter:Parameter",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(Reference("keyId", Link.KEY, (KMS_KEY, KMS_ALIAS)),),
    scope=Scope.REGION,
    named_by="name",
    replaced_by=frozenset({"name", "region"}),
    create=Create.REFUSED,
    secrets=frozenset({"value"}),
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:ssm:{region}:{account}:parameter/{relative}"},
    rehearsed=Rehearsed.EMULATED,
    limits={"value": 8 * 1024},  # AWS Systems Manager quotas: of an advanced parameter
)
STANDARD_PARAMETER: Final = 4 * 1024
"""The most bytes of a parameter of the standard tier, which is the one that nobody asks for."""
