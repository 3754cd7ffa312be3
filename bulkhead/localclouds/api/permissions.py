"""Which permissions each route of a cloud's API accepts, as data: a server reads it, and so does whoever doubts it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

Accepted = frozenset[str] | None
ANYBODY: Final[frozenset[str]] = frozenset()
"""What a route accepts that any valid token may call."""
UNSAID: Final[Accepted] = None
"""What a route accepts of which no source says anything."""
_VARIABLE: Final = re.compile(r"\\\{\w+(?P<rest>:path)?\\\}")


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of the routes of one path.

    ``path`` is the vendor's own template; a variable spelled ``{name:path}`` may have slashes. ``accepted`` has, for
    each method, the permissions of which one is enough. ``sources`` are what was read, also where it is silent.
    ``note`` is where sources disagree, or what they leave out.
    """

    path: str
    accepted: Mapping[str, Accepted]
    sources: tuple[str, ...]
    note: str = ""


class Table:
    """The rows of one API, found by the path of a request or by its template."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        by_path: dict[str, dict[str, Accepted]] = {}
        for row in self.rows:
            methods = by_path.setdefault(row.path, {})
            if twice := methods.keys() & row.accepted.keys():
                raise ValueError(f"two rows for {sorted(twice)} {row.path}")
            methods.update(row.accepted)
        # A path without variables comes before one that would match it, too.
        ordered = sorted(by_path.items(), key=lambda item: variables_in(item[0]))
        self._found = [(_pattern(path), methods) for path, methods in ordered]

    def accepted(self, method: str, path: str) -> Accepted:
        """Return the permissions of which one is enough: ANYBODY if none is needed, UNSAID if nobody says, also of a
        route that is not in the table."""
        return self._methods(path).get(method, UNSAID)

    def has(self, method: str, path: str) -> bool:
        """Whether the table has the route, be it that nobody says what it accepts."""
        return method in self._methods(path)

    def breadth(self) -> Mapping[str, int]:
        """Return of each permission how many methods of routes accept it."""
        return Counter(name for row in self.rows for accepted in row.accepted.values() for name in accepted or ())

    def _methods(self, path: str) -> Mapping[str, Accepted]:
        return next((methods for pattern, methods in self._found if pattern.fullmatch(path)), {})


def variables_in(path: str) -> list[bool]:
    """Return where a template has variables: in this order, a path without comes before one that would match it."""
    return [part.startswith("{") for part in path.split("/")]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_VARIABLE.sub(lambda found: ".+" if found["rest"] else "[^/]+", re.escape(path)))
