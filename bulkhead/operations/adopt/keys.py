"""How a KMS key without an alias is found: by its description and tags, among those that the state does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkhead.clients.clouds import every, said_plainly
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.adopt.finding import Finder, Found, Wanted
from bulkhead.resources import types as t

if TYPE_CHECKING:
    from bulkhead.clients.clouds import ClientOf


class KeyFinder:
    """Looks for keys so, and leaves everything else to another finder. A key that was made and then left by an `up`
    that was cut off has no alias yet."""

    def __init__(self, finder: Finder, client_of: ClientOf) -> None:
        self._finder = finder
        self._client_of = client_of

    def knows(self, type_: str) -> bool:
        return type_ == t.KMS_KEY or self._finder.knows(type_)

    def find(self, wanted: Wanted) -> Found | None:
        """Raises Refused as well where several keys may be the one: only a person can tell them apart."""
        if wanted.type != t.KMS_KEY or wanted.alias is not None:
            return self._finder.find(wanted)
        with said_plainly("AWS", f"looking for {wanted.name}"):
            found = [key for key in self._alike(wanted) if key not in wanted.known]
        if len(found) > 1:
            message = f"may be any of {len(found)} keys, which have its description and tags: {', '.join(found)}"
            fix = f"see which of them is unused, then say it: --found {wanted.name}=<its id>"
            raise Refused("It cannot be told which key was made.", [Fault(wanted.name, message, fix)])
        return Found(found[0], found[0]) if found else None

    def _alike(self, wanted: Wanted) -> list[str]:
        kms = self._client_of("kms")
        tags = {**(wanted.inputs.get("tags") or {}), **(wanted.inputs.get("tagsAll") or {})}
        found = []
        for key in every(kms, "list_keys", "Keys"):
            about = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            same = about.get("Description") == wanted.inputs.get("description")
            if about["KeyManager"] != "CUSTOMER" or about["KeyState"] == "PendingDeletion" or not same:
                continue
            own = {
                tag["TagKey"]: tag["TagValue"] for tag in every(kms, "list_resource_tags", "Tags", KeyId=key["KeyId"])
            }
            if tags.items() <= own.items():
                found.append(str(key["KeyId"]))
        return found
