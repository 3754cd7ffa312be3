"""What is known of a dump beside the SQL: by what it is recognised, and whether it is of one moment (pure)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from jobs.d1.fingerprint import Column, Fingerprint

FORMAT: Final = 1


class Unreadable(Exception):
    """A manifest is none; the text says why."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes as they lie somewhere, by their hash and number."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Of one dump. ``source`` is the database, as whoever dumps calls it; ``sha256`` and ``bytes`` are of the SQL.

    ``bookmarks`` are the database's before and after. The pages of a dump are queries of their own, so a dump is of one
    moment only when nothing was written meanwhile, which equal bookmarks show, or when all was read ``at_once``.
    ``fuzzy`` names tables that were seen to change while they were read. ``migrations`` were applied, in that order;
    ``seconds`` is what the dump took. Whoever keeps the dump adds ``gzip``, as which it lies there, ``at``, when it was
    begun, and the ``versions`` of what made it."""

    source: str
    sha256: str
    bytes: int
    schema: str
    tables: Mapping[str, Fingerprint]
    bookmarks: tuple[str, str] | None
    fuzzy: tuple[str, ...]
    at_once: bool = False
    migrations: tuple[str, ...] = ()
    seconds: float = 0.0
    at: str = ""
    gzip: Packed | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_consistent(self) -> bool:
        return self.at_once or (self.bookmarks is not None and self.bookmarks[0] == self.bookmarks[1])

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def text(self) -> str:
        """Return it as JSON."""
        said = {"format": FORMAT, "consistent": self.is_consistent, **asdict(self)}
        return _json({**said, "digest": _digest(said)}) + "\n"


def parsed(text: str) -> Manifest:
    """Return the manifest that `Manifest.text` wrote. Raises Unreadable."""
    try:
        said = dict(json.loads(text))
        if said["format"] != FORMAT:
            raise Unreadable(f"format {said['format']!r} is not known here, only {FORMAT}. fix: take a newer checkout")
        if said.pop("digest") != _digest(said):
            raise Unreadable("the manifest is damaged: it is not what it was when it was written")
        del said["format"], said["consistent"]
        return _built(said)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Unreadable(f"the manifest is damaged: {type(error).__name__}: {error}") from error


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=True, sort_keys=True)


def _digest(said: Mapping[str, Any]) -> str:
    """Return what tells a manifest that was damaged: no hash of the SQL looks at the rest of it."""
    return hashlib.sha256(_json(said).encode()).hexdigest()


def _built(said: dict[str, Any]) -> Manifest:
    tables = {
        table: Fingerprint(
            each["rows"],
            tuple(Column(**{**column, "types": tuple(column["types"])}) for column in each["columns"]),
            each["checksum"],
        )
        for table, each in said.pop("tables").items()
    }
    bookmarks = said.pop("bookmarks")
    pair = None if bookmarks is None else (str(bookmarks[0]), str(bookmarks[1]))
    gzip, seconds = said.pop("gzip"), float(said.pop("seconds"))
    fuzzy, migrations = (tuple(map(str, said.pop(each))) for each in ("fuzzy", "migrations"))
    packed = None if gzip is None else Packed(**gzip)
    return Manifest(
        tables=tables, bookmarks=pair, fuzzy=fuzzy, migrations=migrations, seconds=seconds, gzip=packed, **said
    )
