"""GitHub's own description of the operations that are served: which there are, and what each takes and answers."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs

FILE: Final = Path(__file__).with_name("description.json.gz")
_URI: Final = "urn:github"
_JSON: Final = "application/json"
_TO_THE_END: Final = frozenset({"path", "ref", "branch", "tag"})
"""A name with slashes may be the last part of a path as it is, and a ref (``heads/main``) any part; anywhere else its
slashes are quoted."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that does not fit: ``field`` is where (``rules.0.type``), ``code`` GitHub's word for what is wrong."""

    field: str
    code: str
    message: str


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``id`` is GitHub's: ``repos/get-environment``."""

    id: str
    method: str
    path: str
    described: Mapping[str, Any]

    @property
    def documentation(self) -> str:
        return str(self.described["externalDocs"]["url"])

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        last = re.fullmatch(r".*\{(\w+)\}", self.path)
        whole = last[1] if last and last[1] in _TO_THE_END else None
        parts = (
            f"(?P<{name}>{'.*' if name == whole else '.+' if name == 'ref' else '[^/]+'})" if name else literal
            for literal, name in re.findall(r"([^{}]+)|\{(\w+)\}", self.path)
        )
        return re.compile("".join(parts))

    def match(self, raw_path: str) -> dict[str, str] | None:
        """Return the parameters in a path that is still quoted, None when it is another operation's."""
        found = self._pattern.fullmatch(raw_path)
        return found and {name: unquote(value) for name, value in found.groupdict().items()}

    def understood(self, given: Mapping[str, str], place: str) -> tuple[dict[str, Any], list[Mismatch]]:
        """Return the parameters of the path or the query with their types, and what does not fit. What the operation
        does not know is ignored, as GitHub does."""
        known, faults = dict[str, Any](), list[Mismatch]()
        for parameter in self._parameters(place):
            name = parameter["name"]
            if name in given:
                schema = _resolved(parameter["schema"])
                known[name] = _typed(given[name], schema.get("type"))
                faults += _mismatches(_compiled(json.dumps(schema)), known[name], name)
        return known, faults

    def body_faults(self, body: Any) -> list[Mismatch]:
        """Return what of the request's body does not fit; ``body`` is None when there is none."""
        wanted = self.described.get("requestBody")
        if wanted is None or (body is None and not wanted.get("required")):
            return []
        schema = wanted["content"][_JSON]["schema"]
        return _mismatches(_compiled(json.dumps(schema)), {} if body is None else body, "")

    def answer_faults(self, status: int, body: Any) -> list[Mismatch]:
        """Return in what way an answer is none that GitHub gives; a refusal that it does not describe is one too."""
        described = self.described["responses"].get(str(status))
        if described is None:
            if status < 400:  # noqa: PLR2004 - errors are described in part only
                return [Mismatch("", "invalid", f"{self.id} never answers {status}")]
            described = _whole()["components"]["responses"]["not_found"]
        described = _resolved(described)
        schema = described.get("content", {}).get(_JSON, {}).get("schema")
        if schema is None:
            return [] if body is None else [Mismatch("", "invalid", f"{self.id} answers {status} without a body")]
        return _mismatches(_compiled(json.dumps(schema)), body, "")

    def _parameters(self, place: str) -> Iterator[Mapping[str, Any]]:
        for parameter in map(_resolved, self.described.get("parameters", ())):
            if parameter["in"] == place:
                yield parameter


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation; where two match a path, the one with more words of its own comes first."""
    found = [
        Operation(described["operationId"], method, path, described)
        for path, methods in _whole()["paths"].items()
        for method, described in methods.items()
    ]
    return tuple(sorted(found, key=lambda operation: (operation.path.count("{"), operation.id)))


def release() -> str:
    """Return which package, and which version of it, the description was taken from."""
    return str(_whole()["info"]["version"])


@cache
def _whole() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress(FILE.read_bytes()))
    return content


@cache
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(_URI, _whole())])


@cache
def _compiled(schema: str) -> jsonschema_rs.Draft202012Validator:
    """Return the validator of a schema whose references lead into the description."""
    absolute = schema.replace('"#/', f'"{_URI}#/')
    return jsonschema_rs.Draft202012Validator(json.loads(absolute), registry=_registry(), validate_formats=True)


def _resolved(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a parameter, an answer or a schema, or what it refers to."""
    if "$ref" not in part:
        return part
    found: Any = _whole()
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return _resolved(found)


def _typed(text: str, type_: Any) -> Any:
    if type_ == "integer" and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if type_ == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _mismatches(validator: jsonschema_rs.Draft202012Validator, value: Any, root: str) -> list[Mismatch]:
    return [_mismatch(error, root) for error in validator.iter_errors(value)]


def _mismatch(error: jsonschema_rs.ValidationError, root: str) -> Mismatch:
    """GitHub names the field that is missing, not the object that lacks it. No message holds the value: it may be a
    secret."""
    steps = [root, *map(str, error.instance_path)]
    missing = error.kind.name == "required"
    if missing:
        steps.append(str(error.kind.as_dict()["property"]))
    field = ".".join(step for step in steps if step)
    place = field or "the body"
    message = f"{place} is missing" if missing else f"{place} does not fit: {error.kind.name}{_wanted(error)}"
    return Mismatch(field, "missing_field" if missing else "invalid", message)


def _wanted(error: jsonschema_rs.ValidationError) -> str:
    """Return what would fit, as far as the description says it without repeating what was given."""
    told = {key: value for key, value in error.kind.as_dict().items() if key in ("options", "types", "format", "limit")}
    return f" ({', '.join(map(str, told.values()))})" if told else ""
