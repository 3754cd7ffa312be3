"""Where a stage's backups lie, and what was said of them."""

from __future__ import annotations

from dataclasses import dataclass

from bulkhead.clients.clouds import ClientOf
from bulkhead.model.aws_scope import AwsScope, aws_scope_of
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Label
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.vault import HELD
from jobs import backup as backing_up
from jobs import verified
from jobs.folders import DATABASES, Tier
from jobs.streams import Reading
from jobs.vault import Backup, Vault
from jobs.verified import Verdict


class HeldVault(Vault):
    """The vault as it shows copies that are held under the keys that they had."""

    def open(self, key: str) -> Reading:
        return super().open(HELD + key)


def dump_of(key: str) -> str:
    """Return the key of the dump that a key means, which may be its manifest's; one that means none as it is."""
    found = Backup.of(key.removeprefix(HELD))
    return key if found is None else (HELD if key.startswith(HELD) else "") + found.key


@dataclass(frozen=True, slots=True)
class Place:
    """``state`` is the bucket of the stage's state, beside which the jobs note what they found."""

    settings: StageSettings
    product: Product
    vault: Vault
    state: str

    @property
    def stage(self) -> str:
        return self.settings.environment

    def source(self, database: str) -> str:
        """Return what the manifests of a database call it."""
        return backing_up.source(self.product.name, self.stage, database)

    def backups(self, database: str) -> list[Backup]:
        """Return every whole backup of a database, the oldest first."""
        return sorted(each for tier in Tier for each in self.vault.backups(tier, database))

    def held(self) -> list[Backup]:
        """Return the backups of which a copy is held."""
        found = {Backup.of(key[len(HELD) :]) for key in self.vault.keys(HELD)}
        return sorted(each for each in found if each is not None)

    def named(self, key: str) -> tuple[Vault, Backup]:
        """Return the backup of a key, of its dump or its manifest, and the vault as it shows it. Raises Refused for
        another stage's, or no key."""
        is_held = key.startswith(HELD)
        found, fix = Backup.of(key.removeprefix(HELD)), f"bulkhead backup {self.stage} list"
        if found is None:
            example = f"{DATABASES}daily/main/backup_{self.settings.stage}_main_20261130T170000Z.sql.gz"
            raise Refused("There is no such backup.", [Fault(key, f"is no key of a backup, such as {example}", fix)])
        if found.stage != self.settings.stage:
            message = f"is of {found.stage}, and this is about {self.settings.stage}"
            raise Refused("There is no such backup.", [Fault(key, message, f"bulkhead backup {found.stage} list")])
        if found not in (self.held() if is_held else self.vault.backups(found.tier, found.database)):
            message = "is not in the vault, or has no manifest, so it was never finished"
            raise Refused("There is no such backup.", [Fault(key, message, fix)])
        vault = HeldVault(self.vault.s3, self.vault.bucket, self.vault.key) if is_held else self.vault
        return vault, found

    def verdict(self, backup: Backup) -> Verdict | None:
        """Return what became of reading a backup back, None where nobody has."""
        try:
            answer = self.vault.s3.get_object(Bucket=self.state, Key=verified.place(backup))
        except self.vault.s3.exceptions.NoSuchKey:
            return None
        return verified.parsed(answer["Body"].read())


def place_of(settings: StageSettings, product: Product, client: ClientOf) -> Place:
    """Return the place of a stage's backups; ``client`` makes the clients of its AWS account. Raises Refused where it
    keeps none."""
    if settings.backup.full == "none":
        fix = f"bulkhead settings show {settings.environment}; say bulkhead:backup.full: daily"
        fault = Fault("bulkhead:backup.full", "is none: this stage has no vault", fix)
        raise Refused(f"{settings.environment} keeps no backups.", [fault])
    own = aws_scope_of(settings.label(product.name), settings)
    # The stack of a pull request keeps its state where development does.
    shared = aws_scope_of(Label(product.name, settings.stage, settings.stage.value), settings)
    return Place(settings, product, Vault(client("s3"), own.vault, _key(own)), shared.state)


def _key(scope: AwsScope) -> str:
    return scope.arn("kms", scope.vault_alias, region=scope.region)
