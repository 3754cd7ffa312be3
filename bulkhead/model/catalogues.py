"""Reads a catalogue in docs/ops: a list whose entries have a name of their own and a runbook that exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from pydantic import Field

from bulkhead.model import entries
from bulkhead.model.faults import Fault, Refused

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
Runbook = Annotated[str, Field(pattern=r"^docs/runbooks/[a-z0-9-]+\.md$")]


class Listed(Protocol):
    """An entry of a catalogue."""

    @property
    def name(self) -> str: ...
    @property
    def runbook(self) -> str: ...
    @property
    def line(self) -> int: ...


Entry = TypeVar("Entry", bound=Listed)


def read(
    path: Path,
    key: str,
    entry: type[Entry],
    *,
    summary: str,
    committed: str,
    faults: Callable[[Entry], Iterable[Fault]] = lambda _: (),
) -> tuple[Entry, ...]:
    """Return the entries of the list ``key`` in the file at ``path``, which is ``committed`` of this or another
    checkout. ``faults`` are those of an entry whose fields are right by themselves. Raises Refused with every fault."""
    try:
        found, wrong = entries.read(path.read_text(encoding="utf-8"), key, entry)
    except OSError as error:
        raise _unreadable(path, str(error.strerror), summary, committed) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8", summary, committed) from None
    except entries.Malformed as bad:
        raise Refused(summary, [replace(bad.fault, file=path.name)]) from None
    wrong += [*_twice(found), *_without_runbook(found, path.resolve().parents[2])]
    wrong += [each for one in found for each in faults(one)]
    if wrong:
        raise Refused(summary, [replace(each, file=path.name) for each in wrong])
    return tuple(found)


def fault(entry: Listed, message: str, fix: str) -> Fault:
    """Return a fault of one entry, with its place."""
    return Fault(f"line {entry.line}: {entry.name}", message, fix)


def _twice(found: Iterable[Listed]) -> Iterator[Fault]:
    names: set[str] = set()
    for each in found:
        if each.name in names:
            yield fault(each, "is there twice", "give each entry a name of its own")
        names.add(each.name)


def _without_runbook(found: Iterable[Listed], checkout: Path) -> Iterator[Fault]:
    for each in found:
        if not (checkout / each.runbook).is_file():
            yield fault(each, f"has a runbook that does not exist: {each.runbook}", f"write {each.runbook}")


def _unreadable(path: Path, reason: str, summary: str, committed: str) -> Refused:
    return Refused(summary, [Fault("", f"cannot be read: {reason}", f"git checkout {committed}", path.name)])
