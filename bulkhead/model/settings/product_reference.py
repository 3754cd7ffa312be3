"""Which product is meant: the one that a person names, else the one that the settings name, else the default."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product, ProductFault
from bulkhead.model.settings.defaults import DEFAULT_PRODUCT
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, stack_file
from bulkhead.model.settings.reader import read

KEY: Final = f"{SETTINGS}:product"
OPTION: Final = "--product"


def reference_in(config: Mapping[str, Any], default: str = DEFAULT_PRODUCT) -> str:
    """Return the product that a stack's configuration names, ``package.module:NAME``, before anything is checked."""
    return str(config.get(KEY, default))


def product_of(settings: StageSettings, chosen: str | None = None) -> Product:
    """Return the product that a stage consists of, or the one that a person has ``chosen`` instead. Raises
    ProductFault when there is none."""
    if chosen is not None:
        return find_product(chosen, OPTION)
    return find_product(settings.product, file=stack_file(settings.environment))


def one_product(named: Mapping[str, str], chosen: str | None = None) -> Product:
    """Return the product of all stages, for what is about one: the one that is ``chosen``, or the one in ``named``,
    which maps stacks to references. Raises Refused when they name different ones."""
    if chosen is not None:
        return find_product(chosen, OPTION)
    if len(set(named.values())) > 1:
        message = "names another product than the other stages, and this is about one"
        fix = f"name the same one in all of them, or say which one is meant: {OPTION} package.module:NAME"
        faults = [Fault(KEY, f"{product}: {message}", fix, stack_file(stack)) for stack, product in named.items()]
        raise Refused("The stages do not have the same product.", faults)
    for stack, reference in named.items():
        return find_product(reference, file=stack_file(stack))
    return find_product(DEFAULT_PRODUCT)


def named_in(files: Iterable[Path]) -> dict[str, str]:
    """Return the product that each of these stage files names, by its stack; one that does not exist names none.
    Raises Refused with what makes a file unreadable; other faults of its settings are ignored here."""
    opened = [read(path) for path in files if path.exists()]
    faults = [fault for file in opened for fault in file.faults]
    if faults:
        raise Refused("Which product is meant cannot be read for certain.", faults)
    return {file.stack: reference_in(file.config) for file in opened}


def find_product(reference: str, key: str = KEY, file: str = "") -> Product:
    """Return the product that ``package.module:NAME`` refers to; ``key`` and ``file`` are where that is written. Raises
    ProductFault when there is none."""
    module_name, _, attribute = reference.partition(":")

    def unknown(reason: str) -> ProductFault:
        fix = f"name a module importable from the repository root, such as {DEFAULT_PRODUCT}"
        return ProductFault(reference, (Fault(key, f"{reference} {reason}".lstrip(), fix, file),))

    if not (module_name and attribute):
        raise unknown("is not of the form package.module:NAME")
    try:
        module = importlib.import_module(module_name)
    except Refused:  # a product whose parts do not fit says so itself
        raise
    except (Exception, SystemExit) as broken:  # a product is its owner's code: anything may be wrong with it
        raise unknown(f"cannot be imported: {_reason(broken)}") from broken
    product = getattr(module, attribute, None)
    if not isinstance(product, Product):
        raise unknown(f"is none: {module_name} has no Product called {attribute!r}")
    return product


def _reason(broken: Exception | SystemExit) -> str:
    """Return Python's message, with the line unless the message has it already."""
    if isinstance(broken, ImportError | SyntaxError):
        return str(broken)
    where = traceback.extract_tb(broken.__traceback__)[-1]
    return f"{type(broken).__name__}: {broken} ({Path(where.filename).name}, line {where.lineno})"
