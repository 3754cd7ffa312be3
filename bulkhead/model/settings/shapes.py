"""What a rule of one field is, and the tests behind the named types (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

RULE_BROKEN: Final = "rule"
_LONGEST_TAG: Final = 256
_NO_SIGNS: Final = str.maketrans("", "", " .:/=+@_-")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_HOSTNAME: Final = 253 - 25  # a Worker's own label, at most 24 characters, and its dot come in front
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
_MOST_USD: Final = 1_000_000
_BRANCH: Final = re.compile(r"[A-Za-z0-9._/-]{1,200}")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one field. ``says`` completes "<key> ...": what it must be and what a wrong value would cause.
    ``schema`` is the same rule in JSON Schema, as far as that can express it. ``own`` stands in a command for a value
    that nobody but the stage's owner knows, and says where it is found: an example there would be taken for it."""

    accepts: Callable[[Any], bool]
    says: str
    example: str | int | float
    schema: tuple[tuple[str, Any], ...] = ()
    choices: Callable[[], frozenset[str]] | None = None
    own: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        own = {word: list(value) if isinstance(value, tuple) else value for word, value in self.schema}
        return {**handler(schema), **own, "examples": [self.example]}

    def _check(self, value: Any) -> Any:
        if not self.accepts(value):
            raise PydanticCustomError(RULE_BROKEN, "{says}", {"says": self.says})
        return value


def text(pattern: str, says: str, example: str, own: str = "") -> Rule:
    """Return the rule of a text that matches ``pattern`` from end to end."""
    compiled = re.compile(pattern)
    schema = (("pattern", f"^(?:{pattern})$"),)
    return Rule(lambda value: compiled.fullmatch(value) is not None, says, example, schema, own=own)


def between(least: float, most: float, says: str, example: float, own: str = "") -> Rule:
    """Return the rule of a number from ``least`` to ``most``, both allowed."""
    schema = (("minimum", least), ("maximum", most))
    return Rule(lambda value: least <= value <= most, says, example, schema, own=own)


@cache
def time_zones() -> frozenset[str]:
    """Every zone of the IANA database, without the entries that mean "whatever this machine is set to"."""
    return frozenset(available_timezones() - {"Factory", "localtime"})


def distinct(items: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return ``items``. Raises PydanticCustomError when one is there twice."""
    if len(set(items)) != len(items):
        raise PydanticCustomError(RULE_BROKEN, "names something twice, and the API refuses a list with duplicates")
    return items


def is_tag(value: str) -> bool:
    """What every service of AWS takes as a tag's value: letters and digits of any script. Sources: AWS, "Tag naming
    limits and requirements"; botocore, `Tag` of KMS, IAM and SSM."""
    signs = value.translate(_NO_SIGNS)
    return (
        0 < len(value) <= _LONGEST_TAG
        and value[0].isalnum()
        and not value.lower().startswith("aws:")
        and (not signs or signs.isalnum())
    )


def is_hostname(value: str) -> bool:
    """Two labels or more, with room in front for a Worker's own. No IPv4 address, and none of Cloudflare's own
    domains."""
    first, *others = value.split(".")
    return (
        bool(others)
        and len(value) <= _LONGEST_HOSTNAME
        and all(_LABEL.fullmatch(label) for label in (first, *others))
        and not others[-1].isdigit()
        and not value.endswith((".workers.dev", ".pages.dev"))
    )


def is_instant(value: str) -> bool:
    """A date and time that exist, with an offset from UTC (RFC 3339)."""
    if not _INSTANT.fullmatch(value):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def is_repository(value: str) -> bool:
    """A repository's own name; GitHub drops a final .git itself."""
    return bool(_REPOSITORY.fullmatch(value)) and value not in {".", ".."} and not value.endswith(".git")


def is_branch(value: str) -> bool:
    """A branch name that Git accepts (git-check-ref-format), without the wildcards of GitHub's patterns."""
    parts = value.split("/")
    return (
        bool(_BRANCH.fullmatch(value))
        and ".." not in value
        and all(part and not part.startswith((".", "-")) and not part.endswith((".", ".lock")) for part in parts)
    )


def in_cents(value: float) -> bool:
    """An amount AWS Budgets takes, without fractions of a cent."""
    return 0 < value <= _MOST_USD and round(value, 2) == value
