"""Whether what a stage's backups are to hold is there (pure; BAK-14)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.model.faults import Fault
from bulkhead.model.product import Product
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, fault_at, remove_command

_KV: Final = (f"{SETTINGS}:backup", "kv")


def scope_faults(settings: StageSettings, product: Product) -> Iterator[Fault]:
    """Yield which namespaces are to be kept that the product does not have."""
    there, stack = [each.name for each in product.namespaces], settings.environment
    if unknown := [name for name in settings.backup.kv if name not in there]:
        message = f"names {', '.join(unknown)}, and the product's KV namespaces are {', '.join(there) or 'none'}"
        yield fault_at(_KV, message, f"correct it, or {remove_command(_KV, stack)}", stack)
