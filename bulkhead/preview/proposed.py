"""The product that a change proposes, for policies that must not run a line of that change.

Policies judge what the engine shows against the product. A change may change the product, so its own is the measure;
but whoever imports it runs its code, which could switch the policies off. So the checkout's own Python writes the
product down, in a process of its own, and the policies read what it wrote.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from bulkhead.model import bindings
from bulkhead.model import product as blueprint
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.project import read_project
from bulkhead.model.settings import reader
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import KEY, reference_in
from bulkhead.preview import write_product

FILE: Final = "BULKHEAD_PROPOSED_PRODUCT"  # tells the pack where the product was written
_AS_READ: Final = "bulkhead.preview.pack.product:PRODUCT"
_CONFIG: Final = "PULUMI_CONFIG"
_WORDS: Final = {
    name: word
    for module in (blueprint, bindings)
    for name, word in vars(module).items()
    if isinstance(word, type) and word.__module__ == module.__name__ and (is_dataclass(word) or issubclass(word, Enum))
}
_COMPLAINT_LINES: Final = 6
_SUMMARY: Final = "The product of this change cannot be read, so no policy can judge by it."
_FIRST: Final = (
    "merge the change of what products are written in (bulkhead/model/product.py, bulkhead/model/bindings.py) before "
    "its use"
)


def write(checkout: Path, stack: str, file: Path, environment: Mapping[str, str]) -> None:
    """Let ``checkout`` write the product of ``stack`` into ``file``, in a process that has ``environment`` only. Raises
    Refused when it cannot, or when it is no product in our own words."""
    reference = reference_in(reader.read(checkout / stack_file(stack)).config)
    program = [str(_python(checkout)), str(Path(write_product.__file__)), reference, str(file.resolve())]
    answer = subprocess.run(
        program,
        cwd=checkout,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if answer.returncode != 0 or not file.is_file():
        last_lines = answer.stderr.strip().splitlines()[-_COMPLAINT_LINES:]
        complaint = "\n".join(last_lines) or "it wrote none, and gave no reason"
        raise Refused(_SUMMARY, [Fault(KEY, f"{reference}: {complaint}", "mend what it says", stack_file(stack))])
    read(file)


def _python(checkout: Path) -> Path:
    runtime = read_project(checkout).get("runtime")
    options = (runtime.get("options") or {}) if isinstance(runtime, Mapping) else {}
    return checkout / options["virtualenv"] / "bin" / "python" if "virtualenv" in options else Path(sys.executable)


def read(file: Path) -> Product:
    """Return the product that was written into ``file``. Raises Refused for anything else."""
    try:
        product = _decoded(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError, LookupError, RecursionError) as bad:
        raise Refused(_SUMMARY, [Fault("the product", f"is not one in the words of the base: {bad}", _FIRST)]) from None
    if not isinstance(product, Product):
        raise Refused(_SUMMARY, [Fault("the product", f"is a {type(product).__name__}", "name a Product")])
    return product


def _decoded(written: Any) -> Any:
    if isinstance(written, list):
        return tuple(map(_decoded, written))
    if not isinstance(written, dict):
        return written
    if "maps" in written:
        return {key: _decoded(part) for key, part in written["maps"]}
    if written["is"] not in _WORDS:
        raise LookupError(f"there is no {written['is']}")
    word = _WORDS[written["is"]]
    return (
        word(written["value"])
        if issubclass(word, Enum)
        else word(**{name: _decoded(part) for name, part in written["has"].items()})
    )


def judged_by(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that the engine gave to a pack, the product that was written down in the place of the one
    that the stack's configuration names."""
    config = json.loads(environ.get(_CONFIG) or "{}")
    return {**environ, _CONFIG: json.dumps({**config, KEY: _AS_READ})}
