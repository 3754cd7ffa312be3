"""The product that a change proposes, for policies that must not run a line of that change.

Policies compare the engine's resources with the product. A change may change the product, so its own product counts;
but importing it runs its code, which could switch the policies off. So the checkout's own Python writes the product to
a file, in a separate process, and the policies read the file.
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
from bulkhead.model import product as product_model
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.project import read_project
from bulkhead.model.settings import reader
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import KEY, reference_in
from bulkhead.preview import write_product

FILE: Final = "BULKHEAD_PROPOSED_PRODUCT"  # the path of the file with the product, for the pack
_AS_READ: Final = "bulkhead.preview.pack.product:PRODUCT"
_CONFIG: Final = "PULUMI_CONFIG"
_CLASSES: Final = {
    name: class_
    for module in (product_model, bindings)
    for name, class_ in vars(module).items()
    if isinstance(class_, type)
    and class_.__module__ == module.__name__
    and (is_dataclass(class_) or issubclass(class_, Enum))
}
_COMPLAINT_LINES: Final = 6
_SUMMARY: Final = "The product of this change cannot be read, so no policy can judge by it."
_FIRST: Final = (
    "merge the change of what products are written in (bulkhead/model/product.py, bulkhead/model/bindings.py) before "
    "its use"
)


def write(checkout: Path, stack: str, file: Path, environment: Mapping[str, str]) -> None:
    """Let ``checkout`` write the product of ``stack`` into ``file``, in a process that has ``environment`` only.
    Raises Refused when it fails, or when the file holds anything but classes of our own product model."""
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
    if written["is"] not in _CLASSES:
        raise LookupError(f"there is no {written['is']}")
    class_ = _CLASSES[written["is"]]
    return (
        class_(written["value"])
        if issubclass(class_, Enum)
        else class_(**{name: _decoded(part) for name, part in written["has"].items()})
    )


def judged_by(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the engine's environment for a pack, with the product from the file instead of the one that the stack's
    configuration names."""
    config = json.loads(environ.get(_CONFIG) or "{}")
    return {**environ, _CONFIG: json.dumps({**config, KEY: _AS_READ})}
