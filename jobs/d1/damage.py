"""What damages a database on purpose, so that a rehearsal has something to bring back."""

from __future__ import annotations

from typing import Final

from jobs.d1.load import DEFERRED
from jobs.d1.schema import FORMS, OURS, Query, folded
from jobs.d1.values import name
from jobs.d1.wipe import drops

_TABLES: Final = f"SELECT name FROM sqlite_schema WHERE type = 'table' AND {OURS}"
_TRIGGERS: Final = f"SELECT name FROM sqlite_schema WHERE type = 'trigger' AND {OURS}"
# Makes the damage show in a database that had nothing to lose.
_PLANTED: Final = "CREATE TABLE bulkhead_drill (at TEXT);"


def without_rows(query: Query) -> list[str]:
    """Return the statements that take every row of every table away, as a DELETE without WHERE does. Triggers go first,
    because they may forbid it."""
    forms = {folded(str(each)): str(type_) for each, type_, _ in query(FORMS)}
    tables = [str(each) for (each,) in query(_TABLES) if forms.get(folded(str(each))) == "table"]
    triggers = [f"DROP TRIGGER {name(str(each))};" for (each,) in query(_TRIGGERS)]
    return [DEFERRED, *triggers, *(f"DELETE FROM {name(each)};" for each in tables), _PLANTED]


def without_tables(query: Query) -> list[str]:
    """Return the statements that drop everything, as a wrong migration does."""
    return [DEFERRED, *drops(query), _PLANTED]
