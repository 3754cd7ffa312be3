"""How the secrets in the stage files are encrypted (pure): SEC-4."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage, stage_of, stages_named
from bulkhead.model.settings.paths import SETTINGS
from bulkhead.model.settings.reader import StackFile

_PASSPHRASE = "passphrase"  # noqa: S105 - the name of Pulumi's provider
_ARN: Final = re.compile(r"arn:[^:]*:kms:(?P<region>[^:]*):(?P<account>[^:]*):(?P<key>.+)")
_VERSION: Final = re.compile(r"(?:(?<=/)(?P<key>keys/[^/]+)/|/cryptoKeyVersions/).+")
_AWS: Final = "awskms"
_ALIAS: Final = "alias/"
_REPLICATED: Final = "mrk-"  # AWS KMS: a multi-Region key is one key in several regions


@dataclass(frozen=True, slots=True)
class _Key:
    """A key, however it is written. Of what is empty it is not known which."""

    service: str
    name: str
    region: str
    account: str

    def may_be(self, other: _Key) -> bool:
        """Whether nothing shows that two keys are different ones."""
        return self.name == other.name and self._in_one_place(other)

    def could_be(self, other: _Key) -> bool:
        """Whether only the cloud can tell: one is named by its alias, the other by its id."""
        aliases = {self.name.startswith(_ALIAS), other.name.startswith(_ALIAS)}
        return self.service == _AWS and len(aliases) > 1 and self._in_one_place(other)

    def _in_one_place(self, other: _Key) -> bool:
        regions = () if self.name.startswith(_REPLICATED) else ((self.region, other.region),)
        places = ((self.account, other.account), *regions)
        return self.service == other.service and all(not a or not b or a == b for a, b in places)


def encryption_faults(files: Iterable[StackFile]) -> Iterator[Fault]:
    """Yield what is wrong with how secrets are encrypted. Outside development the key must be a service's, because a
    passphrase is one more secret that somebody has to store. Each stage must have a key of its own."""
    keys: list[tuple[_Key, StackFile]] = []
    wrapped: dict[str, StackFile] = {}
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
        if provider:
            key = _key(provider, file.config)
            owner = next((other for known, other in keys if _apart(other, file) and known.may_be(key)), None)
            keys.append((key, file))
            if owner is not None:
                message = f"is the key of {owner.name} too: whoever may read the secrets of one may read the other's"
                yield Fault("secretsprovider", message, fix, file.name)
            elif (named := stages_named(key.name)) and stage_of(file.stack) not in named:
                message = f"is called as the key of {min(named)}: whoever may read its secrets may read this stage's"
                yield Fault("secretsprovider", message, fix, file.name)
        if (data_key := file.encryption.get("encryptedkey", "")) and _apart(wrapped.setdefault(data_key, file), file):
            message = (
                f"is that of {wrapped[data_key].name}: the secrets of both are encrypted with one key, whoever wraps it"
            )
            yield Fault("encryptedkey", message, fix, file.name)


def encryption_doubts(files: Iterable[StackFile]) -> Iterator[Fault]:
    """Yield which stages may have one key, where no file can tell."""
    keys: list[tuple[_Key, StackFile]] = []
    for file in files:
        if provider := file.encryption.get("secretsprovider", ""):
            key = _key(provider, file.config)
            owner = next((other for known, other in keys if _apart(other, file) and known.could_be(key)), None)
            keys.append((key, file))
            if owner is not None:
                message = f"may be the key of {owner.name}: one is named by its alias, the other by its id"
                yield Fault("secretsprovider", message, "name both by their aliases", file.name)


def _apart(one: StackFile, other: StackFile) -> bool:
    """Whether two files are of stages that must not read each other's secrets."""
    return stage_of(one.stack) is not stage_of(other.stack)


def _key(provider: str, config: Mapping[str, Any]) -> _Key:
    """Return the key that a URL of gocloud.dev/secrets names. Options that a query adds, such as an encryption context,
    make no other key. A profile is a way into an account, and that account is the one of the stage's settings."""
    url = urlsplit(provider)
    query = parse_qs(url.query)
    name = unquote(f"{url.netloc}{url.path}").strip("/")
    # Azure's names ignore case, and a version of a key, there and in Google's cloud, opens what the others closed.
    name = _VERSION.sub(r"\g<key>", name.lower() if url.scheme == "azurekeyvault" else name)
    region, account = query.get("region", [""])[0], ""
    if arn := _ARN.fullmatch(name):
        name, region, account = arn["key"], arn["region"], arn["account"]
    elif "profile" in query:
        aws = config.get(f"{SETTINGS}:aws")
        account = str(aws.get("accountId", "")) if isinstance(aws, Mapping) else ""
    return _Key(url.scheme, name.removeprefix("key/"), region, account)


def _folder_option(file: StackFile) -> str:
    """Return the CLI's option for the folder of this file: a stage and its identities have stacks of the same name."""
    folder = str(PurePosixPath(file.name).parent)
    return "" if folder == "." else f" -C {folder}"
