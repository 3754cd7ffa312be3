"""Whether the names that a stage gives to its stores are of stores that it has, and of one each (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bulkhead.model.faults import Fault
from bulkhead.model.naming import Kind
from bulkhead.model.product import Product
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, Path, fault_at, remove_command

_SECTIONS: Mapping[Kind, str] = {Kind.D1: "databases", Kind.KV: "namespaces", Kind.R2: "buckets", Kind.QUEUE: "queues"}


def place_of(kind: Kind, part: str) -> Path:
    """Return the path of the setting that names a store."""
    return (f"{SETTINGS}:stores", _SECTIONS[kind], part)


def parts_of(product: Product) -> dict[Kind, tuple[str, ...]]:
    """Return the product's own names of its stores, by kind."""
    return {
        Kind.D1: tuple(each.name for each in product.databases),
        Kind.KV: tuple(each.name for each in product.namespaces),
        Kind.R2: tuple(each.name for each in product.buckets),
        Kind.QUEUE: tuple(each.name for each in product.queues),
    }


def store_faults(settings: StageSettings, product: Product) -> Iterator[Fault]:
    """Yield which names are of no store of the product, and which a store has that is called by its place."""
    label, parts = settings.label(product.name), parts_of(product)
    for kind, names in settings.stores.by_kind().items():
        usual = {label.name(kind, part): part for part in parts[kind] if part not in names}
        for part, name in names.items():
            place = place_of(kind, part)
            mend = remove_command(place, settings.environment)
            if part not in parts[kind]:
                known = f"its {_SECTIONS[kind]} are {', '.join(parts[kind])}" if parts[kind] else "it has none"
                yield fault_at(place, f"is no store of the product: {known}", mend, settings.environment)
            elif name in usual:
                message = f"is how {usual[name]} is called: both would be one store"
                yield fault_at(place, message, mend, settings.environment)


def shared_stores(whole: Sequence[tuple[StageSettings, Product]]) -> Iterator[Fault]:
    """Yield which stages would have one store together: the same name in the same account."""
    seen: dict[tuple[str, Kind, str], str] = {}
    for settings, product in whole:
        label = settings.label(product.name)
        for kind, parts in parts_of(product).items():
            for part in parts:
                key = (settings.cloudflare.account_id, kind, label.name(kind, part))
                other = seen.setdefault(key, settings.environment)
                if other != settings.environment:
                    message = f"is {key[2]}, as in {other}, in the same account: both stages would write into it"
                    mend = remove_command(place_of(kind, part), settings.environment)
                    yield fault_at(place_of(kind, part), message, mend, settings.environment)
