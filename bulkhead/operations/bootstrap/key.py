"""The KMS key that encrypts the secrets and the state of one stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bulkhead.clients.clouds import every, unless_absent
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.bootstrap.steps import BootstrapStep, Effect, covers
from bulkhead.operations.bootstrap.target import StateStore

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

# How a key is found again when a bootstrap was interrupted before the key had its name: a key has nothing else. The
# stage's own keys have no purpose.
_KNOWN_BY: Final = ("product", "environment", "managed-by", "purpose")


class StoreKey:
    """The key of one store. ``arn`` is None until there is one; a step that needs it asks when its turn comes.

    Raises Refused when there is a key that cannot be used.
    """

    def __init__(self, store: StateStore, region: str, kms: KMSClient) -> None:
        self._store = store
        self._kms = kms
        named = unless_absent(kms.describe_key, "NotFoundException", KeyId=store.alias)
        self._named = named is not None
        found = named["KeyMetadata"] if named else self._unnamed()
        self.arn: str | None = found and found["Arn"]
        if found and found["KeyState"] != "Enabled":
            raise _unusable(store, region, found)

    def steps(self) -> Iterator[BootstrapStep]:
        """Yield what the key needs: itself with its tags, rotation, and its name."""
        whose = self._store.whose
        tagged = self.arn is not None and covers(self._tags_of(self.arn), self._store.tags)
        rotates = self.arn is not None and self._kms.get_key_rotation_status(KeyId=self.arn)["KeyRotationEnabled"]
        yield BootstrapStep(
            f"KMS key of {whose}, with its tags",
            f"encrypts the state and the secrets of {whose}; no other stack has the same key",
            self._effect(right=tagged),
            self._make_or_tag,
        )
        yield BootstrapStep(
            f"yearly rotation of the key of {whose}",
            "limits what one leaked version of the key opens",
            self._effect(right=rotates),
            lambda: self._kms.enable_key_rotation(KeyId=self.required()),
        )
        yield BootstrapStep(
            f"{self._store.alias}, the name of the key of {whose}",
            "the stack's file names the key by it",
            Effect.EXISTS if self._named else Effect.CREATE,
            lambda: self._kms.create_alias(AliasName=self._store.alias, TargetKeyId=self.required()),
        )

    def required(self) -> str:
        """Return the ARN, in a step that comes after the one that makes the key."""
        if self.arn is None:
            raise RuntimeError("a step that needs the key ran before the one that makes it")
        return self.arn

    def _effect(self, *, right: bool) -> Effect:
        if self.arn is None:
            return Effect.CREATE
        return Effect.EXISTS if right else Effect.CHANGE

    def _make_or_tag(self) -> None:
        tags: Any = [{"TagKey": key, "TagValue": value} for key, value in self._store.tags.items()]
        if self.arn is not None:
            self._kms.tag_resource(KeyId=self.arn, Tags=tags)
            return
        description = f"Secrets and state of {self._store.tags['product']} {self._store.whose}"
        self.arn = self._kms.create_key(Description=description, Tags=tags)["KeyMetadata"]["Arn"]

    def _unnamed(self) -> Any | None:
        """Return a key that an interrupted bootstrap of this store has left without a name."""
        ours = {name: self._store.tags[name] for name in _KNOWN_BY}
        for key in every(self._kms, "list_keys", "Keys"):
            found = self._kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            is_candidate = found.get("KeyManager") == "CUSTOMER" and found.get("KeyState") == "Enabled"
            if is_candidate and covers(self._tags_of(key["KeyId"]), ours):
                return found
        return None

    def _tags_of(self, key: str) -> dict[str, str]:
        return {tag["TagKey"]: tag["TagValue"] for tag in self._kms.list_resource_tags(KeyId=key)["Tags"]}


def _unusable(store: StateStore, region: str, key: Any) -> Refused:
    where = f"--region {region} --key-id {key['KeyId']}"
    fix = f"aws kms enable-key {where}"
    if key["KeyState"] == "PendingDeletion":
        fix = f"aws kms cancel-key-deletion {where} && {fix}"
    message = f"is {key['KeyState']}: nobody can read the secrets of {store.whose}, and once it is deleted nobody will"
    return Refused("Nothing can be bootstrapped with this key.", [Fault(store.alias, message, fix)])
