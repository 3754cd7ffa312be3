"""How the place of a setting is spelt, and the command that changes it (pure)."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Final

from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage

# The full key of a setting (``bulkhead:backup``), then the way down: names of fields and positions in lists.
Path = tuple[str | int, ...]

SETTINGS: Final = "bulkhead"
SECRETS: Final = "secrets"
ROTATED: Final = "rotated"  # when each secret was stored
_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def spell(path: Path) -> str:
    """Return ``bulkhead:budget.finance[0]``: the path as ``pulumi config set --path`` takes it."""
    head, *rest = path
    return str(head) + "".join(_step(step) for step in rest)


def set_command(path: Path, value: Any, stack: str) -> str:
    """Return the command that sets ``value``. Lists and sections are set item by item, so the first item is shown."""
    while isinstance(value, list | tuple) and value:
        path, value = (*path, 0), value[0]
    text = value if isinstance(value, str) else json.dumps(value)
    return f"pulumi config set {_target(path)} {shlex.quote(text)}{_typed(path, value)} --stack {stack}"


def remove_command(path: Path, stack: str) -> str:
    """Return the command that removes what is at ``path``."""
    return f"pulumi config rm {_target(path)} --stack {stack}"


def secret_command(name: str, stack: str) -> str:
    """Return the command that asks for a secret's value and stores it encrypted; the value is in no argv.

    A stage's secret has an age, which our own command writes down beside it; that of a short-lived stack has none.
    """
    if stack in set(Stage):
        return f"bulkhead secrets set {stack} {name}"
    return f"pulumi config set --secret {SECRETS}:{name} --stack {stack}"


def stack_file(stack: str) -> str:
    """Return the name of the file that holds a stack's settings."""
    return f"Pulumi.{stack}.yaml"


def fault_at(path: Path, message: str, fix: str, stack: str) -> Fault:
    """Return the fault of one setting of ``stack``."""
    return Fault(spell(path), message, fix, stack_file(stack))


def _target(path: Path) -> str:
    return shlex.quote(spell(path)) if len(path) == 1 else f"--path '{spell(path)}'"


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _BARE.fullmatch(step) else f"[{json.dumps(step)}]"


def _typed(path: Path, value: Any) -> str:
    """Return the option that keeps a value's type. Below the top level the CLI guesses it: 123456789012 becomes a
    number, 0.05 becomes text. Whole numbers, true and false need no option. An id that is still to be filled in may be
    all digits."""
    if isinstance(value, float):
        return " --type float"
    looks_like_a_number = isinstance(value, str) and (value.isdecimal() or path[-1] == "accountId")
    return " --type string" if looks_like_a_number and len(path) > 1 else ""
