"""How the secrets in the stage files are encrypted (pure): SEC-4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage, stage_of
from bulkhead.model.settings.reader import StackFile

_PASSPHRASE = "passphrase"  # noqa: S105 - the name of Pulumi's provider


def encryption_faults(files: Iterable[StackFile]) -> Iterator[Fault]:
    """Yield what is wrong with how secrets are encrypted. Outside development the key must be a service's, because a
    passphrase is one more secret that somebody has to store. Each stage must have a key of its own."""
    owners: dict[str, StackFile] = {}
    for file in files:
        provider = file.encryption.get("secretsprovider", "")
        by_passphrase = provider == _PASSPHRASE or (not provider and "encryptionsalt" in file.encryption)
        change = f"pulumi stack change-secrets-provider{_folder_option(file)}"
        fix = f"{change} 'awskms://alias/<its own key>?region=...' --stack {file.stack}"
        if by_passphrase:
            if stage_of(file.stack) is not Stage.DEVELOPMENT:
                message = "encrypts the secrets with a passphrase, which everybody who deploys has and may pass on"
                yield Fault("encryptionsalt", message, fix, file.name)
            continue
        owner = owners.setdefault(provider, file) if provider else file
        if stage_of(owner.stack) is not stage_of(file.stack):
            message = f"is the key of {owner.name} too: whoever may read the secrets of one reads those of the other"
            yield Fault("secretsprovider", message, fix, file.name)


def _folder_option(file: StackFile) -> str:
    """Return the CLI's option for the folder of this file: a stage and its identities have stacks of the same name."""
    folder = str(PurePosixPath(file.name).parent)
    return "" if folder == "." else f" -C {folder}"
