"""The types of each Worker's env, written from what the product grants it (pure).

Beside the entry of every Worker: ``env.d.ts``, whose ``Env`` the code imports, and ``cloudflare.d.ts``, which says the
same of ``import { env } from "cloudflare:workers"``. They are two, because what is global in a file follows whoever
imports that file, and a Worker may import the class of another one.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from bulkhead.model.bindings import (
    AI,
    D1,
    KV,
    R2,
    AnalyticsEngine,
    Binding,
    DurableObject,
    Json,
    PlainText,
    QueueProducer,
    Secret,
    Service,
    VersionMetadata,
    reading,
)
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import STAGE_VARIABLES, Product, Worker
from bulkhead.model.settings.models import Cache

ENV: Final = "env.d.ts"
IMPORTABLE: Final = "cloudflare.d.ts"
_HEADER: Final = (
    "// Written by `bulkhead bindings types` from the product; a change is made there, and then this is written anew."
)
# The stage variables that are no text (bulkhead.model.variables).
OBJECTS: Final[Mapping[str, str]] = {
    "CACHE_TTLS": "\n".join(["{", *(f"    {field.alias}: number;" for field in Cache.model_fields.values()), "  }"]),
    "FEATURE_FLAGS": "Record<string, boolean>",
}

# What the runtime binds, by kind, as @cloudflare/workers-types has it. The other kinds depend on what they point at.
_FIXED: Final[Mapping[type[Binding], str]] = {
    AI: "Ai",
    AnalyticsEngine: "AnalyticsEngineDataset",
    D1: "D1Database",
    KV: "KVNamespace",
    QueueProducer: "Queue",
    R2: "R2Bucket",
    Secret: "string",
    Service: "Fetcher",
    VersionMetadata: "WorkerVersionMetadata",
}


def kind(binding: Binding) -> str:
    """Return the name of the type that the runtime binds, without what it depends on."""
    return _FIXED.get(type(binding), "DurableObjectNamespace" if isinstance(binding, DurableObject) else "")


def declarations(worker: Worker) -> tuple[str, str]:
    """Return where the two files of a Worker are, relative to the repository root."""
    folder = _folder(worker)
    return str(folder / ENV), str(folder / IMPORTABLE)


def _folder(worker: Worker) -> PurePosixPath:
    return PurePosixPath(worker.types) if worker.types else PurePosixPath(worker.entry).parent


def is_written_by_hand(path: Path) -> bool:
    """Return whether a file is there, and is none that was written from a product."""
    try:
        return not path.read_text(encoding="utf-8").startswith(_HEADER)
    except FileNotFoundError:
        return False


def require_no_others(product: Product, root: Path) -> None:
    """Raise Refused, with every place, where a file of the owner's own would be overwritten."""
    faults = [
        Fault(
            f"workers.{worker.name}.types",
            "was not written by `bulkhead bindings types`, so it is left alone, and nothing was written",
            f"have them elsewhere: {_elsewhere(worker)}; the check reads the file that is there as it is",
            path,
        )
        for worker in product.workers
        for path in declarations(worker)
        if is_written_by_hand(root / path)
    ]
    if faults:
        raise Refused("A file is in the place of the env types.", faults)


def _elsewhere(worker: Worker) -> str:
    folder = PurePosixPath(worker.entry).parent / f"{worker.name}-types"
    return f'Worker(name="{worker.name}", types="{folder}")'


def all_types(product: Product) -> dict[str, str]:
    """Return the text of every file by its path. Raises Refused when two Workers would share one."""
    folders = Counter(_folder(worker) for worker in product.workers)
    shared = [
        Fault(
            f"workers.{worker.name}.source",
            f"{_folder(worker)} is another Worker's folder, too, so both would have one {ENV}",
            f"give the source a folder of its own, or the types: {_elsewhere(worker)}",
        )
        for worker in product.workers
        if folders[_folder(worker)] > 1
    ]
    if shared:
        raise Refused("The types cannot be written.", shared)
    return {path: text for worker in product.workers for path, text in types_of(worker, product).items()}


def types_of(worker: Worker, product: Product) -> dict[str, str]:
    """Return the text of each file of one Worker by its path."""
    env, importable = declarations(worker)
    entries = {other.name: _module(worker, other) for other in product.workers}
    stage = [f"  {name}: {OBJECTS.get(name, 'string')};" for name in STAGE_VARIABLES]
    granted = [_member(binding, worker, entries) for binding in worker.bindings]
    lines = [
        _HEADER,
        "",
        f"/** Everything that the Worker `{worker.name}` is granted. */",
        "export interface Env {",
        "  // What every Worker is told about its stage.",
        *stage,
        *(["", "  // What this Worker may touch."] if granted else []),
        *granted,
        "}",
        "",
    ]
    return {env: "\n".join(lines), importable: _IMPORTABLE}


_IMPORTABLE: Final = f"""{_HEADER}

import type {{ Env as Granted }} from "./{ENV}";

declare global {{
  namespace Cloudflare {{
    interface Env extends Granted {{}}
  }}
}}
"""


def _member(binding: Binding, worker: Worker, entries: Mapping[str, str]) -> str:
    return f"  {binding.name}: {_type(binding, worker, entries)};"


def _type(binding: Binding, worker: Worker, entries: Mapping[str, str]) -> str:
    """Return the TypeScript type of what the runtime binds; ``entries`` are the Workers' modules, as imported here."""
    match binding:
        case KV() | R2():
            methods = " | ".join(f'"{method}"' for method in reading(binding))
            return f"Pick<{_FIXED[type(binding)]}, {methods}>" if methods else _FIXED[type(binding)]
        case DurableObject(class_name=name, worker=owner):
            return f"DurableObjectNamespace<import({entries[owner or worker.name]}).{name}>"
        case Service(worker=target, entrypoint=str(name)):
            return f"Service<typeof import({entries[target]}).{name}>"
        case PlainText(text=text):
            return json.dumps(text)
        case Json(value=value):
            return _literal(value)
        case _:
            return _FIXED[type(binding)]


def _literal(value: Any) -> str:
    """Return a JSON value as a type: the value is the same in every stage, so the type may say all of it."""
    if isinstance(value, Mapping):
        return "{{ {} }}".format(" ".join(f"{json.dumps(key)}: {_literal(value[key])};" for key in sorted(value)))
    if isinstance(value, list | tuple):
        return f"[{', '.join(_literal(item) for item in value)}]"
    return json.dumps(value)


def _module(worker: Worker, other: Worker) -> str:
    path = os.path.relpath(other.entry, _folder(worker)).replace(os.sep, "/")
    return json.dumps(path if path.startswith(".") else f"./{path}")
