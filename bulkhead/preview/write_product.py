"""Writes a product to a file: `python write_product.py MODULE:NAME FILE`, run in the product's checkout, by its Python.

It imports nothing of this project, because an import would come from that checkout. bulkhead/preview/proposed.py reads
what it writes: a dataclass as ``{"is": <class>, "has": {<field>: ...}}``, a member of an enumeration as ``{"is":
<class>, "value": ...}``, a mapping as ``{"maps": [[<key>, <value>], ...]}``, everything else as JSON has it.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any


def encoded(value: Any) -> Any:
    """Return a value in the shape above. Raises TypeError for one that has none."""
    if isinstance(value, Enum):
        return {"is": type(value).__name__, "value": value.value}
    if is_dataclass(value):
        return {
            "is": type(value).__name__,
            "has": {each.name: encoded(getattr(value, each.name)) for each in fields(value)},
        }
    if isinstance(value, Mapping):
        return {"maps": [[key, encoded(part)] for key, part in value.items()]}
    if isinstance(value, list | tuple):
        return [encoded(part) for part in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a product holds a {type(value).__name__}, which nobody can write down")


if __name__ == "__main__":
    reference, file = sys.argv[1:]
    sys.path[0] = str(Path.cwd())
    module, _, name = reference.partition(":")
    product = getattr(importlib.import_module(module), name)
    Path(file).write_text(json.dumps(encoded(product)), encoding="utf-8")
