"""The migration files of a database: which there are, in which order, and what is the same file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from bulkhead.clients.sql import LONGEST, divided, statements, words
from bulkhead.model.faults import Fault, Refused

PATTERNS: Final = ("*.sql", "*/migration.sql")  # wrangler's own, and that of Drizzle and Prisma
_NUMBER: Final = re.compile(r"\s*([+-]?\d+)")
_TRANSACTION: Final = {"begin", "commit", "end", "rollback", "savepoint", "release"}


@dataclass(frozen=True)
class Migration:
    """One file. ``name`` is its path below the folder, as wrangler notes it down; ``text`` has plain line ends."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """The statements, each with its semicolon; an INSERT that D1 would find too long is several."""
        closed = (each if each.endswith(";") else f"{each}\n;" for each in statements(self.text))  # after a comment
        return tuple(part for each in closed for part in ([each] if len(each.encode()) <= LONGEST else divided(each)))

    @cached_property
    def checksum(self) -> str:
        """The same for a file whose line ends, byte order mark or last semicolon somebody's editor changed."""
        return hashlib.sha256(self.text.rstrip("; \t\n").encode()).hexdigest()


def read(folder: Path) -> list[Migration]:
    """Return the migrations in ``folder``, in the order in which wrangler applies them. Raises Refused, with every
    fault at once, where D1 would take none or another than was meant."""
    found = {pattern: _matching(folder, pattern) for pattern in PATTERNS}
    if not folder.is_dir() or not any(found.values()):
        message = f"holds no migration, neither {' nor '.join(PATTERNS)}"
        raise Refused("There are no migrations.", [Fault("", message, _FOLDER, str(folder))])
    if all(found.values()):
        message = f"holds both {' and '.join(PATTERNS)}, and wrangler would apply only one kind of them"
        raise Refused("The migrations are not clear.", [Fault("", message, "keep one layout", str(folder))])
    files = sorted((file for each in found.values() for file in each), key=lambda file: order(_name(file, folder)))
    migrations, faults = [], list[Fault]()
    for file in files:
        text, fault = _text(file)
        migration = Migration(_name(file, folder), text)
        migrations.append(migration)
        faults += [fault] if fault else _faults(migration, file)
    if faults:
        raise Refused("Migrations cannot be applied as they are.", faults)
    return migrations


def order(name: str) -> tuple[tuple[bool, int, bytes], ...]:
    """Return what sorts names as wrangler does: each part of the path by its leading number, then by its letters."""
    return tuple(_part(part) for part in name.split("/"))


def _part(part: str) -> tuple[bool, int, bytes]:
    number = _NUMBER.match(part.split("_", maxsplit=1)[0])
    letters = part.encode("utf-16-be", "surrogatepass")  # JavaScript compares these units
    return (number is None, int(number[1]) if number else 0, letters)


def _matching(folder: Path, pattern: str) -> list[Path]:
    files = (file for file in folder.glob(pattern) if file.is_file())
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _text(file: Path) -> tuple[str, Fault | None]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 at byte {error.start}; D1 would store other letters than were meant"
        return "", Fault("", message, "save it as UTF-8", str(file))
    return text.replace("\r\n", "\n"), None


def _faults(migration: Migration, file: Path) -> Iterator[Fault]:
    for number, statement in enumerate(migration.statements, 1):
        place, first = f"statement {number}", words(statement[:1000])[:2]
        if "\0" in statement:
            yield Fault(place, "holds a NUL, at which D1 ends a text", "write it as char(0)", str(file))
        if (size := len(statement.encode())) > LONGEST:
            message = f"has {size:,} bytes, and D1 takes {LONGEST:,} for a statement"
            yield Fault(place, message, "write it as several; only rows after VALUES are divided here", str(file))
        if first[:1] and first[0] in _TRANSACTION:
            message = f"is {first[0].upper()}, which D1 refuses: a file is one transaction already"
            yield Fault(place, message, "take BEGIN, COMMIT and the like out of the file", str(file))


_FOLDER: Final = "add one, such as 0001_first.sql, or take `migrations` out of the product's database"
