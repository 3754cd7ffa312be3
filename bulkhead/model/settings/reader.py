"""The one reader of ``Pulumi.<stack>.yaml``: values, the line each stands in, and every fault of spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any, Final

from bulkhead.model.faults import Fault
from bulkhead.model.settings import nodes, scalars
from bulkhead.model.settings.paths import SECRETS, Path, remove_command, secret_command, spell

# Top-level keys of a stack file: Pulumi CLI, `ProjectStack`. It has one more.
TOP_LEVEL: Final = ("config", "secretsprovider", "encryptedkey", "encryptionsalt")
_ELSEWHERE: Final = "environment"
_FILE_NAME: Final = re.compile(r"Pulumi\.(?P<stack>[A-Za-z0-9_.-]+)\.ya?ml")
_LARGEST_FILE: Final = 256 * 1024
_MOST_VALUES: Final = 10_000  # aliases of aliases grow a small file without bound
# What the CLI writes: `v1:<nonce>:<ciphertext>`, or base64 from a secrets service.
_CIPHERTEXT: Final = re.compile(r"v1:[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+|[A-Za-z0-9+/]{32,}={0,2}")


class Encrypted:
    """Stands for a value that is encrypted in the file and therefore unknown."""

    def __repr__(self) -> str:
        return "<encrypted>"


ENCRYPTED: Final = Encrypted()


@dataclass(frozen=True, slots=True)
class StackFile:
    """One stack file as read. ``config`` maps full keys (``bulkhead:aws``) to values; ``secret_keys`` are the keys
    that hold an encrypted value at any depth; ``encryption`` maps the top-level keys about encryption to their texts;
    ``lines`` maps every path to its line; ``faults`` are those of the YAML itself."""

    name: str
    stack: str
    config: Mapping[str, Any] = field(default_factory=dict)
    secret_keys: frozenset[str] = frozenset()
    encryption: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def was_read(self) -> bool:
        """Whether there is a ``config`` to judge; without one, every required setting would be reported as missing on
        top."""
        return bool(self.config) or not self.faults


def read(path: File, name: str = "") -> StackFile:
    """Read one stack file. Its content never raises: the result holds the faults. They call the file ``name``, by
    default its own name; another one distinguishes two files of one stack."""
    named, name = _FILE_NAME.fullmatch(path.name), name or path.name
    stack = named["stack"] if named else path.stem
    if named is None:
        return _unreadable(name, stack, "is not named Pulumi.<stack>.yaml, so no stack reads it", "rename the file")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        message = "does not exist, so this stage has no settings and cannot be deployed"
        return _unreadable(name, stack, message, "copy the file of another stage and change what differs")
    except OSError as error:
        return _unreadable(name, stack, f"cannot be read: {error.strerror}", "make it a readable file")
    problem = _problem_of(data)
    if problem:
        return _unreadable(name, stack, *problem)
    try:
        root = nodes.compose(data.decode())
    except nodes.Unreadable as bad:
        message = f"line {bad.line}, column {bad.column}: {bad.problem}"
        return _unreadable(name, stack, f"is no YAML: {message}", f"mend line {bad.line}")
    return _Builder(name, stack).file(root)


def replace_encrypted(value: Any, made: Callable[[Path], Any], path: Path = ()) -> Any:
    """Return ``value`` with each encrypted value in it replaced by the result of ``made(its path)``. ``path`` is the
    path of ``value`` itself."""
    if value is ENCRYPTED:
        return made(path)
    if isinstance(value, Mapping):
        return {name: replace_encrypted(part, made, (*path, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [replace_encrypted(part, made, (*path, index)) for index, part in enumerate(value)]
    return value


def _problem_of(data: bytes) -> tuple[str, str] | None:
    if len(data) > _LARGEST_FILE:
        return f"is larger than {_LARGEST_FILE // 1024} KiB, which no stage's settings are", "check that it is the file"
    if data.startswith(b"\xef\xbb\xbf"):
        return "starts with a byte order mark, which some YAML readers take for text", "save it as UTF-8 without BOM"
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        line = data.count(b"\n", 0, bad.start) + 1
        return f"is not UTF-8: line {line} holds a byte that is no character", "save it as UTF-8"
    return None


def _unreadable(name: str, stack: str, message: str, fix: str) -> StackFile:
    return StackFile(name, stack, faults=(Fault("", message, fix, name),))


class _Builder:
    """Turns the tree into values, collecting every fault on the way."""

    def __init__(self, name: str, stack: str) -> None:
        self._name, self._stack = name, stack
        self._faults: list[Fault] = []
        self._lines: dict[str, int] = {}
        self._secret_keys: set[str] = set()
        self._encryption: dict[str, str] = {}
        self._values_left = _MOST_VALUES

    def file(self, root: nodes.Node | None) -> StackFile:
        config: dict[str, Any] = {}
        if root is None or (isinstance(root, nodes.Scalar) and root.plain and root.text == ""):
            self._fault("", "is empty, so this stage has no settings", "start it with the line `config:`")
        elif not isinstance(root, nodes.Mapping):
            self._fault("", "does not hold `key: value` lines", "start it with the line `config:`")
        else:
            config = self._top(root)
        return StackFile(
            self._name,
            self._stack,
            config,
            frozenset(self._secret_keys),
            self._encryption,
            self._lines,
            tuple(self._faults),
        )

    def _top(self, root: nodes.Mapping) -> dict[str, Any]:
        config: dict[str, Any] = {}
        found = False
        for key, value in self._pairs(root, ()):
            self._lines[key] = value.line
            if key == _ELSEWHERE:
                message = "takes settings from Pulumi ESC: no check sees them, and they may be those of another stage"
                self._fault(key, message, "write the settings themselves into the file, and remove it")
            elif key not in TOP_LEVEL:
                allowed = ", ".join(TOP_LEVEL)
                self._fault(
                    key,
                    f"is no part of a stack file, which holds {allowed}",
                    f"move it below `config:` as {key if ':' in key else f'bulkhead:{key}'}, or remove it",
                )
            elif key == "config":
                found = True
                config = self._config(value)
            else:
                text = self._value(value, (key,))
                if isinstance(text, str):
                    self._encryption[key] = text
                else:
                    message = "must be text; the CLI wrote it when the stack was made"
                    self._fault(key, message, "restore the line from Git")
        if not found:
            self._fault(
                "config",
                "is missing, so this stage has no settings",
                "add the line `config:` and the settings below it",
            )
        return config

    def _config(self, node: nodes.Node) -> dict[str, Any]:
        if isinstance(node, nodes.Mapping):
            return {key: self._value(value, (key,)) for key, value in self._pairs(node, ())}
        self._fault("config", "holds no `key: value` lines", "write the settings below it, indented by two spaces")
        return {}

    def _value(self, node: nodes.Node, path: Path) -> Any:
        self._lines.setdefault(spell(path), node.line)
        self._values_left -= 1
        if self._values_left < 0:
            if self._values_left == -1:
                self._fault(str(path[0]), f"grows to more than {_MOST_VALUES} values through its aliases", "write less")
            return None
        if node.tag is not None:
            self._fault(
                spell(path),
                "carries a !tag, which other YAML readers ignore",
                "remove the tag; quote the value if it is text",
            )
        if isinstance(node, nodes.Scalar):
            return self._scalar(node, path)
        if isinstance(node, nodes.Sequence):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.items)]
        if (ciphertext := _ciphertext(node)) is not None:
            return self._encrypted(ciphertext, path)
        return {key: self._value(value, (*path, key)) for key, value in self._pairs(node, path)}

    def _scalar(self, node: nodes.Scalar, path: Path) -> scalars.Scalar:
        if not node.plain:
            return node.text
        try:
            return scalars.resolve(node.text)
        except scalars.Ambiguous as bad:
            message = (
                f"may be text or {bad.meaning}: YAML readers disagree, so the stage may get what the file does not show"
            )
            fix = 'quote it, "…", if it is text, an id or a date; else write true, false or a plain decimal number'
            self._fault(spell(path), message, f"line {node.line}: {fix}")
            return node.text

    def _encrypted(self, ciphertext: str, path: Path) -> Encrypted:
        self._secret_keys.add(str(path[0]))
        if not _CIPHERTEXT.fullmatch(ciphertext):
            namespace, _, name = str(path[0]).partition(":")
            message = (
                "holds no ciphertext below `secure:`; if it is the secret itself, it is readable in Git: revoke it"
            )
            kept = namespace == SECRETS and len(path) == 1
            fix = secret_command(name, self._stack) if kept else remove_command(path, self._stack)
            self._fault(spell(path), message, fix)
        return ENCRYPTED

    def _pairs(self, mapping: nodes.Mapping, path: Path) -> Iterator[tuple[str, nodes.Node]]:
        """Yield the pairs of a mapping with merged ones (`<<: *anchor`) behind its own, each key once."""
        seen: dict[str, int] = {}
        merged: list[nodes.Node] = []
        for key, value in mapping.pairs:
            if isinstance(key, nodes.Scalar) and key.plain and key.text == "<<":
                merged += value.items if isinstance(value, nodes.Sequence) else (value,)
                continue
            text = self._key(key, path)
            if text is None:
                continue
            if text in seen:
                message = f"is written twice, in lines {seen[text]} and {key.line}, and one of them would be lost"
                self._fault(spell((*path, text)), message, f"remove line {seen[text]} or line {key.line}")
                continue
            seen[text] = key.line
            yield text, value
        for source in merged:
            if not isinstance(source, nodes.Mapping):
                self._fault(
                    spell(path) if path else "<<",
                    "merges something that is no section",
                    "name an anchor of a section after `<<:`",
                )
                continue
            for text, value in self._pairs(source, path):
                if text not in seen:
                    seen[text] = source.line
                    yield text, value

    def _key(self, node: nodes.Node, path: Path) -> str | None:
        place = spell(path) if path else ""
        if not isinstance(node, nodes.Scalar):
            self._fault(
                place, f"line {node.line}: a key must be a word, not a list or a section", f"mend line {node.line}"
            )
            return None
        try:
            resolved = scalars.resolve(node.text) if node.plain else node.text
        except scalars.Ambiguous as bad:
            resolved = None
            meaning = bad.meaning
        else:
            meaning = "a number or nothing"
        if isinstance(resolved, str) and resolved and node.tag is None:
            return resolved
        self._fault(
            place,
            f"line {node.line}: a key must be a word, and this one may be {meaning}",
            f"line {node.line}: quote the key",
        )
        return None

    def _fault(self, key: str, message: str, fix: str) -> None:
        self._faults.append(Fault(key, message, fix, self._name))


def _ciphertext(node: nodes.Mapping) -> str | None:
    """Return the text of ``{secure: text}``: the CLI's spelling of an encrypted value, at any depth."""
    if len(node.pairs) != 1:
        return None
    key, value = node.pairs[0]
    if not isinstance(key, nodes.Scalar) or key.text != "secure" or not isinstance(value, nodes.Scalar):
        return None
    return value.text
