"""Lines of a job's log, in the shape of the Workers' (LOG-5), without personal and secret values (LOG-7)."""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

_SECRET: Final = re.compile(r"authorization|cookie|token|secret|password|api-?key|e-?mail|session-?id", re.I)
_EMAIL: Final = re.compile(r"[^\s@\"'<>()]+@[^\s@\"'<>()]+\.[^\s@\"'<>()]+")
_BEARER: Final = re.compile(r"\b(Bearer|Basic)\s+\S+", re.I)
_MASKED: Final = "[masked]"


class Log:
    """Writes one object of JSON a line; ``context`` is in each."""

    def __init__(self, context: Mapping[str, Any], out: TextIO | None = None) -> None:
        self._context = {**context, "category": "app"}
        self._out = out

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def warn(self, message: str, **fields: Any) -> None:
        self._write("warn", message, fields)

    def failed(self, message: str, error: BaseException, **fields: Any) -> None:
        self._write("error", message, {**fields, "error": _described(error)})

    def _write(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"level": level, "message": message, "timestamp": at, **self._context, **fields}
        out = self._out or sys.stdout
        out.write(json.dumps(masked(line), ensure_ascii=False, default=str) + "\n")
        out.flush()


def masked(value: Any) -> Any:
    """Return a value of JSON without what must not be told."""
    match value:
        case Mapping():
            return {name: _MASKED if _SECRET.search(str(name)) else masked(each) for name, each in value.items()}
        case list() | tuple():
            return [masked(each) for each in value]
        case str():
            return _BEARER.sub(rf"\1 {_MASKED}", _EMAIL.sub(_MASKED, value))
    return value


def _described(error: BaseException) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": type(error).__name__,
        "message": str(error),
        "stack": "".join(traceback.format_exception(error, chain=False)),
    }
    return {**found, "cause": _described(error.__cause__)} if error.__cause__ else found
