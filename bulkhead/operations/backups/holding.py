"""A backup that is kept although its time is up: a copy where no lifecycle comes, and held where the vault has locks.

A legal hold alone does not do it: the lifecycle would hide the backup behind a marker, and no list would have it.
"""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from bulkhead.model.vault import HELD, locks
from bulkhead.operations.backups.place import Place
from jobs.vault import Backup

_ABSENT: Final = frozenset({"404", "NoSuchKey"})


def hold(place: Place, backup: Backup) -> list[str]:
    """Keep a copy of a backup until it is released; return the keys that it has. Can be done again."""
    for key in (backup.key, backup.manifest):  # as when it was written: the manifest makes it count
        if not _is_there(place, HELD + key):
            told: dict[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": place.vault.key}
            if locks(place.settings.backup):
                told["ObjectLockLegalHoldStatus"] = "ON"
            source = {"Bucket": place.vault.bucket, "Key": key}
            place.vault.s3.copy(source, place.vault.bucket, HELD + key, ExtraArgs=told)
    return [HELD + backup.key, HELD + backup.manifest]


def release_of(place: Place, backup: Backup) -> list[str]:
    """End the hold, and remove the copy; return the keys that it had. What its tier keeps stays."""
    found = [HELD + key for key in (backup.manifest, backup.key) if _is_there(place, HELD + key)]
    for key in found:
        where = {"Bucket": place.vault.bucket, "Key": key}
        if locks(place.settings.backup):
            place.vault.s3.put_object_legal_hold(**where, LegalHold={"Status": "OFF"})
        place.vault.s3.delete_object(**where)
    return found


def _is_there(place: Place, key: str) -> bool:
    try:
        place.vault.s3.head_object(Bucket=place.vault.bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return False
        raise
    return True
