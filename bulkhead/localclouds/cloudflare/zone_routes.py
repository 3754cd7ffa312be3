"""Which Worker a route of a zone sends a request to, before custom domains do (pure).

Source: Workers documentation, "Routes" (matching behaviour; a route comes before a custom domain of the same hostname,
and its Worker reaches that one by `fetch`) and "Known issues" (route specificity).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

Rule = dict[str, Any]
_SCHEME: Final = re.compile(r"https?://")


class Pattern(NamedTuple):
    """A pattern, taken apart. A hostname that ends with a wildcard has no path, and takes all of them."""

    scheme: str
    host: str
    path: str

    @property
    def expression(self) -> str:
        """What matches the URLs that the pattern does, for Python and for JavaScript."""
        scheme = re.escape(self.scheme) if self.scheme else "https?://"
        return f"^{scheme}{_starred(self.host)}{_starred(self.path)}$"

    @property
    def rank(self) -> tuple[Any, ...]:
        """What sorts the most specific pattern first: the hostname decides, then the path. Of ``a/*`` and ``a*`` the
        second is taken, as the known issue has it."""
        told = self.path.removesuffix("*")
        literal = told.removesuffix("/")
        return (
            self.host.startswith("*"),
            -len(self.host.strip("*")),
            self.path.endswith("*"),
            -len(literal),
            told != literal,
            not self.scheme,
        )


def parsed(pattern: str) -> Pattern:
    """Take a pattern apart."""
    scheme = match[0] if (match := _SCHEME.match(pattern)) else ""
    host, slash, path = pattern.removeprefix(scheme).partition("/")
    if slash:
        return Pattern(scheme, host, f"/{path}")
    return Pattern(scheme, host.removesuffix("*"), "*" if host.endswith("*") else "/")


def rules(records: Iterable[Record], live: Collection[str]) -> list[Rule]:
    """Return the routes, the first that matches being the one that counts. ``worker`` is None where a route lets
    requests pass."""
    routes = [(parsed(record.inputs["pattern"]), record) for record in records if record.type == t.WORKERS_ROUTE]
    return [
        {"matches": pattern.expression, "worker": script if script in live else None}
        for pattern, record in sorted(routes, key=lambda one: one[0].rank)
        for script in [record.inputs.get("script")]
    ]


def _starred(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))
