"""Reads what the Workers' code does with their bindings: one run of the TypeScript compiler for all of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.analysis.code.types import all_types, declarations, is_written_by_hand
from bulkhead.machine.node import find_node
from bulkhead.model.bindings import Service, reading
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product, Worker
from bulkhead.model.project import ROOT

_READER: Final = Path(__file__).with_name("read.mjs")
_COMPILER: Final = "worker/node_modules/typescript/lib/typescript.js"
_RUNTIME_TYPES: Final = "worker/node_modules/@cloudflare/workers-types/index.d.ts"
_COMPLAINT_LINES: Final = 8


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A place in the code: ``file`` relative to the repository root, line and column from 1. Without a file it is about
    the compiler's options."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.file else ""


@dataclass(frozen=True, slots=True)
class Use:
    """The code reaches for ``binding``; ``optional`` where its type says that it may not be there, and the code is
    made to handle that."""

    binding: str
    place: SourceLocation
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Beyond:
    """The code wants ``members`` of what is granted for reading, or (without any) gives away what limits it. There are
    several ``bindings`` when the type does not tell which."""

    bindings: tuple[str, ...]
    members: tuple[str, ...]
    place: SourceLocation


@dataclass(frozen=True, slots=True)
class Loss:
    """The env comes into something whose type does not say what happens to it; ``absent`` when that is a module that
    is imported and not there."""

    into: str
    place: SourceLocation
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Error:
    """What keeps the code from being read."""

    message: str
    place: SourceLocation


@dataclass(frozen=True, slots=True)
class Facts:
    """What one Worker's code does. ``missing`` are names that its entry should export, and does not; ``kinds`` are
    types of bindings all of which a framework uses.

    ``followed`` are the files and frameworks into which the env is followed, so that no escape is needed there.
    """

    uses: tuple[Use, ...] = ()
    kinds: tuple[str, ...] = ()
    followed: tuple[tuple[str, str], ...] = ()
    beyond: tuple[Beyond, ...] = ()
    losses: tuple[Loss, ...] = ()
    errors: tuple[Error, ...] = ()
    missing: tuple[str, ...] = ()


def read(product: Product, root: Path) -> dict[str, Facts]:
    """Return the facts of every Worker of ``product`` by its name; its sources are below ``root``.

    The env types are those that the product grants now, whatever is on disk. Raises Refused when a source does not
    exist, or there is no Node or no compiler.
    """
    root = root.resolve()
    _require_sources(product, root)
    said = _ask(_request(product, root))
    return {name: _facts(facts, root) for name, facts in said.items()}


def exports_of(worker: Worker, product: Product) -> tuple[str, ...]:
    """Return the names that a Worker's entry has to export, sorted: its objects, what other Workers call, and the
    default, where requests, messages and timers arrive."""
    callers = {
        binding.entrypoint or "default"
        for other in product.workers
        for binding in other.bindings
        if isinstance(binding, Service) and binding.worker == worker.name
    }
    consumes = any(queue.consumer == worker.name for queue in product.queues)
    handles = {"default"} if worker.host or worker.crons or consumes else set()
    return tuple(sorted({*worker.owns, *callers, *handles}))


def _require_sources(product: Product, root: Path) -> None:
    missing = [
        Fault(
            f"workers.{worker.name}.source",
            f"{worker.entry} does not exist, so nobody can say what this Worker does with its bindings",
            f'say where it begins: Worker(name="{worker.name}", source="<path of the entry>")',
        )
        for worker in product.workers
        if not (root / worker.entry).is_file()
    ]
    if missing:
        raise Refused("The Workers' code cannot be read.", missing)


def _request(product: Product, root: Path) -> dict[str, Any]:
    def absolute(path: str) -> str:
        return (root / path).as_posix()

    workers = [
        {
            "name": worker.name,
            "entry": absolute(worker.entry),
            "declarations": [absolute(path) for path in declarations(worker)],
            "exports": list(exports_of(worker, product)),
            "granted": [binding.name for binding in worker.bindings],
            "reading": {binding.name: reading(binding) for binding in worker.bindings if reading(binding)},
        }
        for worker in product.workers
    ]
    return {
        "typescript": str(_installed(_COMPILER)),
        "runtimeTypes": _installed(_RUNTIME_TYPES).as_posix(),
        "generated": {
            absolute(path): text for path, text in all_types(product).items() if not is_written_by_hand(root / path)
        },
        "workers": workers,
    }


def _installed(path: str) -> Path:
    """Return a file of the Node packages, which are this checkout's whatever the Workers' root is."""
    if not (ROOT / path).is_file():
        raise Refused("The Workers' code cannot be read.", [Fault(path, "does not exist", "make install")])
    return ROOT / path


def _ask(request: Mapping[str, Any]) -> dict[str, Any]:
    command = [find_node().path, _READER]
    answer = subprocess.run(
        command, input=json.dumps(request), capture_output=True, text=True, errors="replace", check=False
    )
    if answer.returncode != 0:
        said = answer.stderr.strip().splitlines()
        complaint = next((line for line in said if "Error" in line), "") or "\n".join(said[-_COMPLAINT_LINES:])
        fix = "make install, so that the compiler is the one this was written for; then run it again"
        raise Refused("The compiler could not read the Workers' code.", [Fault("node", complaint, fix)])
    facts: dict[str, Any] = json.loads(answer.stdout)
    return facts


def _facts(said: Mapping[str, Any], root: Path) -> Facts:
    def places(kind: str) -> Iterable[tuple[Mapping[str, Any], SourceLocation]]:
        return [(one, _place(one, root)) for one in said[kind]]

    return Facts(
        uses=tuple(Use(one["binding"], place, one["optional"]) for one, place in places("uses")),
        kinds=tuple(said["kinds"]),
        followed=tuple((os.path.relpath(one["file"], root), one["into"]) for one in said["followed"]),
        beyond=tuple(Beyond(tuple(one["bindings"]), tuple(one["members"]), place) for one, place in places("beyond")),
        losses=tuple(Loss(one["into"], place, one["absent"]) for one, place in places("lost")),
        errors=tuple(Error(one["message"], place) for one, place in places("errors")),
        missing=tuple(said["missing"]),
    )


def _place(said: Mapping[str, Any], root: Path) -> SourceLocation:
    file = said["file"]
    return SourceLocation(os.path.relpath(file, root) if file else "", said["line"], said["column"])
