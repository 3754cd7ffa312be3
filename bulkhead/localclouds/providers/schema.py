"""The input types of resource types, read from the installed SDKs, and the check of inputs against them.

The packages have no schema file, but their classes have the same facts: the input class has a name and a type for
every property, nested ones too. The result is plain data, so it is cached in the checkout for each version of an SDK:
importing pulumi_cloudflare alone costs two seconds and 170 MB.

A type is one of these names (``string number integer boolean any asset``), ``{"list": T}``, ``{"map": T}``, ``{"any
of": [T...]}`` or ``{"object": NAME}``, which names a member of the catalogue's ``objects``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.engine.plugins import sdk_version
from bulkhead.localclouds.providers import sdk
from bulkhead.localclouds.providers.wire import UNKNOWN
from bulkhead.model.project import ROOT
from bulkhead.resources.sentinels import SIGNATURE

# Not below HOME: the processes of a rehearsal have a HOME of their own, which disappears with it.
_CACHE: Final = ROOT / ".rehearsal" / "cache" / "schemas"
PACKAGES: Final = ("aws", "cloudflare", "github")
# Three engines ask at the same moment. The SDKs have circular imports, so a second thread may get a half-initialised
# module.
_ONE_READER: Final = threading.Lock()
_WORDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The input types of a package: ``types`` by token, and the nested ``objects`` they use, by class name.

    A shape is ``{"properties": {name: T}, "required": [name]}``; a resource's has ``computed: [name]`` too."""

    types: Mapping[str, Any]
    objects: Mapping[str, Any]

    def computed(self, token: str) -> tuple[str, ...]:
        """Return the outputs of the type that are no inputs."""
        return tuple(self.types[token]["computed"])

    def properties(self, token: str) -> Mapping[str, Any]:
        """Return the inputs of the type and what type each has."""
        properties: Mapping[str, Any] = self.types[token]["properties"]
        return properties

    def faults(self, token: str, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield ``path: what is wrong`` for whatever the SDK's types do not allow; unknown values always fit."""
        yield from self._shape_faults(self.types[token], inputs, "")

    def _shape_faults(self, shape: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Iterator[str]:
        properties = shape["properties"]
        for name in shape["required"]:
            if name not in value:
                yield f"{path}{name}: required property is missing"
        for name, member in value.items():
            if name in properties:
                yield from self._type_faults(properties[name], member, f"{path}{name}")
            elif not name.startswith("__"):  # the engine's and the bridges' own notes
                near = difflib.get_close_matches(name, properties, 1)
                hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(properties))}"
                yield f"{path}{name}: there is no such property{hint}"

    def _type_faults(self, type_: Any, value: Any, path: str) -> Iterator[str]:
        if value is UNKNOWN or type_ == "any":
            return
        if isinstance(type_, str):
            if not _fits(type_, value):
                yield f"{path}: must be {_article(type_)}, not {_kind(value)}"
            return
        ((kind, inner),) = type_.items()
        if kind == "any of":
            answers = [list(self._type_faults(option, value, path)) for option in inner]
            if all(answers):
                yield from min(answers, key=len)
        elif not isinstance(value, list if kind == "list" else Mapping):
            yield f"{path}: must be {_article(kind)}, not {_kind(value)}"
        elif kind == "object" and isinstance(value, Mapping):
            yield from self._shape_faults(self.objects[inner], value, f"{path}.")
        else:
            for key, member in enumerate(value) if isinstance(value, list) else value.items():
                yield from self._type_faults(inner, member, f"{path}[{key!r}]")


def load(package: str, tokens: Iterable[str]) -> Catalogue:
    """Return the types of ``tokens`` and of the package's provider, from the cache or else from the SDK itself."""
    wanted = sorted({*tokens, sdk.provider_token(package)})
    cached = _cache_file(package, wanted)
    with _ONE_READER:
        try:
            content = json.loads(cached.read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            content = sdk.describe(package, wanted)
            _write(cached, json.dumps(content))
    return Catalogue(content["types"], content["objects"])


def _cache_file(package: str, tokens: list[str]) -> Path:
    reader = Path(sdk.__file__).read_bytes()
    digest = hashlib.sha256(reader + "\n".join(tokens).encode()).hexdigest()[:16]
    return _CACHE / f"{package}-{sdk_version(package)}-{digest}.json"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)  # atomic, even when two processes write at the same time


def _fits(word: str, value: Any) -> bool:
    if word == "asset":
        return isinstance(value, Mapping) and SIGNATURE in value
    return isinstance(value, _WORDS[word]) and (word == "boolean" or not isinstance(value, bool))


def _kind(value: Any) -> str:
    for word in ("boolean", "string", "integer", "number"):
        if _fits(word, value):
            return _article(word)
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, Mapping) else "null"


def _article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
