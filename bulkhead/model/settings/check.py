"""Checks one stage's configuration (pure), whether it comes from a file or from the engine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage, stage_of
from bulkhead.model.product import Product
from bulkhead.model.settings import fields
from bulkhead.model.settings.defaults import DEFAULTS, over
from bulkhead.model.settings.explain import explain, unknown
from bulkhead.model.settings.keys import DEFAULT_PROVIDERS, below, namespace_faults, secret_faults
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SECRETS, SETTINGS, fault_at, remove_command, set_command
from bulkhead.model.settings.recovery import order_faults
from bulkhead.model.settings.rules import breaches
from bulkhead.model.settings.scope import scope_faults
from bulkhead.model.settings.stores import store_faults

_ENVIRONMENT: Final = "environment"


def check(
    stack: str, raw: Mapping[str, Any], secret_keys: Iterable[str], product: Product
) -> tuple[StageSettings | None, tuple[Fault, ...]]:
    """Check everything a stack is configured with.

    ``raw`` maps full keys (``bulkhead:aws``, ``secrets:githubToken``) to values; ``secret_keys`` are those that are
    encrypted. Returns the settings, None when they are at fault, and every fault there is.
    """
    encrypted = frozenset(secret_keys)
    settings, faults = check_settings(stack, raw, encrypted)
    unfit = () if settings is None else product_faults(settings, product)
    return settings, (*faults, *unfit, *secret_faults(stack, raw, encrypted, product))


def product_faults(settings: StageSettings, product: Product) -> Iterator[Fault]:
    """Yield what settings say of a part that the product does not have, or has otherwise."""
    yield from order_faults(settings, product)
    yield from store_faults(settings, product)
    yield from scope_faults(settings, product)


def check_settings(
    stack: str, raw: Mapping[str, Any], encrypted: frozenset[str]
) -> tuple[StageSettings | None, tuple[Fault, ...]]:
    """Check the settings without asking which secrets there are, for tools that need none."""
    given = below(SETTINGS, raw)
    hidden = frozenset(below(SETTINGS, dict.fromkeys(encrypted)))
    faults = [*namespace_faults(stack, raw), *_misplaced(stack, given, hidden)]
    valid, wrong = _fields(stack, given, hidden)
    faults += wrong
    for broken in breaches(valid.get("stage"), stack, valid):
        fix = broken.fix or set_command(broken.path, broken.value, stack)
        faults.append(fault_at(broken.path, broken.message, fix, stack))
    return (None if faults else StageSettings(**valid)), tuple(faults)


def from_engine(config: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of ``config`` as a file has them: the engine hands sections over as JSON text.

    Top-level text stays as it is: the engine does not tell whether it was quoted.
    """
    sections = {f"{SETTINGS}:{name}" for name in fields.settings_keys() if fields.is_section(name)}
    as_json = {*sections, DEFAULT_PROVIDERS}
    return {key: _decoded(value) if key in as_json else value for key, value in config.items()}


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _misplaced(stack: str, given: Mapping[str, Any], hidden: frozenset[str]) -> Iterator[Fault]:
    for name in given:
        path = (f"{SETTINGS}:{name}",)
        if name in hidden:
            message = f"is encrypted, and settings are readable; if it is a secret, it belongs in {SECRETS}:<name>"
            yield fault_at(path, message, f"write it without --secret, or {remove_command(path, stack)}", stack)
        elif name == _ENVIRONMENT:
            message = "is the stack's name and cannot be set: another one would give the stage foreign names"
            yield fault_at(path, message, remove_command(path, stack), stack)
        elif name not in fields.settings_keys():
            yield unknown(path, stack)


def _fields(stack: str, given: Mapping[str, Any], hidden: frozenset[str]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the valid fields of StageSettings by name, and a fault for everything wrong in the others.

    Each is validated by itself, so that rules over several fields can still be checked on those that are valid.
    """
    # Where no stage has a stack of this name, its file may say which one is meant.
    stage = stage_of(stack) or stage_of(str(given.get("stage"))) or Stage.DEVELOPMENT
    values = over(DEFAULTS[stage], given) | {_ENVIRONMENT: stack}
    valid: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, field in StageSettings.model_fields.items():
        alias = field.alias or name
        path = (f"{SETTINGS}:{alias}",)
        if alias in hidden:
            continue
        if alias not in values:
            faults.append(explain(path, {"type": "missing"}, stack))
            continue
        try:
            valid[name] = _adapter(alias).validate_python(values[alias], by_alias=True, by_name=False)
        except ValidationError as bad:
            faults += [explain((*path, *error["loc"]), error, stack) for error in bad.errors()]
    return valid, faults


@cache
def _adapter(alias: str) -> TypeAdapter[Any]:
    return TypeAdapter(fields.aliases(StageSettings)[alias])
