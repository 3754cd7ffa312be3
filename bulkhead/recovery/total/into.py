"""The settings of the place that a lost stage comes back in, held against those of the lost one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.check import check_settings, product_faults
from bulkhead.model.settings.examples import example_faults
from bulkhead.model.settings.reader import StackFile, read

_SUMMARY: Final = "Nothing was recovered."


def read_new_place(file: Path, old: StageSettings, product: Product, *, examples: bool = True) -> StageSettings:
    """Return the settings in a file as those of the lost stage, whatever the file is called. Raises Refused with every
    fault; ``examples`` allows values that were shipped as such, which nothing real has."""
    if old.environment not in set(Stage):
        fix = f"pulumi up -s {old.environment} makes it again"
        raise Refused(_SUMMARY, [Fault(old.environment, "is no stage, so nothing of it is worth a recovery", fix)])
    found = read(file)
    settings, all_faults = None, [*found.faults]
    if found.was_read:
        settings, faults = check_settings(old.environment, found.config, found.secret_keys)
        all_faults += faults
    if settings is not None:
        all_faults += [*product_faults(settings, product), *_not_elsewhere(settings, old)]
        all_faults += _locked(found)
        all_faults += [] if examples else [*example_faults(settings)]
    if settings is None or all_faults:
        raise Refused(
            f"{file.name} is no place for {old.environment} of {product.name}.",
            [Fault(each.key, each.message, each.fix, file.name) for each in all_faults],
        )
    return settings


def place_in_words(settings: StageSettings) -> str:
    return (
        f"AWS account {settings.aws.account_id} in {settings.region.primary} and Cloudflare account "
        f"{settings.cloudflare.account_id}"
    )


def _locked(file: StackFile) -> Iterator[Fault]:
    """Yield what only a key can open that was lost; the new place has none yet."""
    for key in (*file.encryption, *sorted(file.secret_keys)):
        message = "belongs to a key of the lost place, which nothing opens any more"
        yield Fault(key, message, "take it out; the recovery says when a secret is to be set")


def _not_elsewhere(new: StageSettings, old: StageSettings) -> Iterator[Fault]:
    """Yield where the new place is the lost one: what is still there would be in the way, or be changed."""
    adopt = f"name another one; what is still there is taken over by: bulkhead adopt {old.environment}"
    if new.product != old.product:
        message = f"is {new.product}, and the lost stage is of {old.product}: another product has other stores"
        yield Fault("bulkhead:product", message, "say the same product")
    if new.cloudflare.account_id == old.cloudflare.account_id:
        yield Fault("bulkhead:cloudflare.accountId", "is that of the lost place", adopt)
    elif new.cloudflare.zone_id == old.cloudflare.zone_id:
        yield Fault("bulkhead:cloudflare.zoneId", "is a zone of the lost account", "name the zone of the new account")
    if (new.aws.account_id, new.region.primary) == (old.aws.account_id, old.region.primary):
        yield Fault("bulkhead:aws.accountId, bulkhead:region.primary", "are both those of the lost place", adopt)
