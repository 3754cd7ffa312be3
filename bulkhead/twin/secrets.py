"""Finds texts in a state that look like secrets and are not marked as such (pure).

Every state contains ids, hashes, ETags and ARNs, which look random too. So a hexadecimal text is judged only by the
name of its property, and a random-looking text only if that name is not that of an id or a hash.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.resources.secret_forms import form_of
from bulkhead.resources.secret_names import Sureness, only_goes_on, says_secret, unguessable
from bulkhead.resources.texts import opened

Path = tuple[str | int, ...]

# Texts that look like a secret but are none, by type of resource and path (`outputs.settings.key`), with the reason.
HARMLESS: Final[Mapping[tuple[str, str], str]] = {}

_SHORTEST_SECRET: Final = 8
# The keys of pairs of a name and a value, in any spelling: bindings of a Worker, variables of GitHub, environments of
# jobs, parameters of a template. A text below a name of a secret counts as that secret's.
_NAMES: Final = frozenset({"name", "variablename", "parametername", "headername", "key"})
_VALUES: Final = frozenset({"text", "value", "json", "default", "stringvalue", "parametervalue", "headervalue"})
_HARMLESS_NAME: Final = re.compile(
    r"(?:id|hash|etag|sha\d*|md5|digest|checksum|integrity|fingerprint|thumbprint|base64sha256|tag|arn|publickey|nonce"
    r"|version)s?"
)
# A public key as a JSON web key has nothing but numbers, and they look random (RFC 7517).
_PUBLIC_NUMBERS: Final = frozenset({"n", "e", "x", "y", "x5c", "x5t", "x5t#S256", "kid"})
_PRIVATE_NUMBERS: Final = frozenset({"d", "k"})
# `?token=...`, `Password=...;`, `--db-password=...`, `DB_PASSWORD: ...`; each may begin where another one's value does.
_ASSIGNED: Final = re.compile(
    r"(?:^|[?&;,\s\"'`({]|--)([A-Za-z][\w.-]{0,80})(=|[\"']?[ \t]*(?::=|=>|=|:))(?=[ \t]*[\"']?([^\s\"'`&;,]+))",
    re.MULTILINE,
)
_ELEMENT: Final = re.compile(r"<([A-Za-z][\w.-]{0,80})(?:\s[^<>]{0,200})?>\s*([^\s<>]+)\s*</")  # of XML
_NO_WORD: Final = re.compile(r"[^A-Za-z_$.]")
# What stands for a value in code and templates.
_REFERS: Final = re.compile(r"[$<{%]|[A-Za-z_][\w$]*[.\[(]|(?:undefined|function|required|optional)\b")
_TEMPLATE: Final = re.compile(r"\$\{|\$\(|\{\{|<[^>]*>$|\$\w+$|[A-Z]+(?:_[A-Z]+)+$")
# References of one resource to another, which the engine writes down under the names of properties, and of AWS.
_NO_SECRET: Final = ("arn:", "urn:pulumi:", "alias/")
# A variable of a build whose value is only the name of the secret.
_NAMED_ELSEWHERE: Final = frozenset({"PARAMETER_STORE", "SECRETS_MANAGER"})
_PUBLIC_KEY: Final = re.compile(r"MII[A-Za-z0-9+/]IjANBgkq|MFkwEwYHKoZIzj0")  # how one in DER begins (RFC 5280)
_PART_OF_A_NAME: Final = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}|\d{2,}|[0-9a-f]{4,}|([A-Z][a-z]+){2,}")
_FEWEST_PARTS: Final = 3
_RANDOM: Final = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
_RANDOM_BITS: Final = 4.2  # bits a character; random letters and digits of this length have 4.5, words 3.5 to 4
_RANDOM_BITS_OF_ONE_CASE: Final = 4.05  # hexadecimal has 4 at most


def suspects(value: Any, harmless: str, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the place of each text in ``value`` that looks like a secret, the name of a property as well, and what it
    looks like. What is inside of a text, in JSON or encoded, is at the place of the text.

    ``harmless`` is the placeholder, which is no secret. ``path`` is the path of ``value``.
    """
    match value:
        case str():
            if what := _judged(value, harmless, path):
                yield path, what
        case Mapping():
            for name, part in value.items():
                if what := _judged(str(name), harmless, ()):
                    yield (*path, str(name)), f"{what}, in its name,"
                if not _is_public_number(str(name), value):
                    yield from suspects(part, harmless, (*path, str(name)))
            yield from _named_beside(value, harmless, path)
        case list() | tuple():
            for index, part in enumerate(value):
                yield from suspects(part, harmless, (*path, index))


def told(name: str, harmless: str) -> str:
    """Return a name for a message: that of a resource or a property may be a secret itself."""
    return "(a name that looks like a secret)" if any(suspects(name, harmless)) else name


def _judged(text: str, harmless: str, path: Path) -> str | None:
    steps = [step for step in reversed(path) if isinstance(step, str)]
    name = next((step for step in steps if step.lower() not in _VALUES), "")
    by_itself = form_of(text, harmless) or _by_name(name, text, harmless) or _random(name, text, harmless)
    return by_itself or _inside(text, harmless, path) or _assigned(text, harmless)


def _inside(text: str, harmless: str, path: Path) -> str | None:
    for form, value in opened(text):
        if found := next(suspects(value, harmless, path), None):
            inner, what = found
            place = "".join(f".{told(str(step), harmless)}" for step in inner[len(path) :])
            return f"{what} in {form}{f' at {place[1:]}' if place else ''}"
    return None


def _assigned(text: str, harmless: str) -> str | None:
    elements = ((name, "=", value) for name, value in _ELEMENT.findall(text))
    for name, sign, value in (*_ASSIGNED.findall(text), *elements):
        certain = sign == "=" or _NO_WORD.search(value)
        if certain and not _REFERS.match(value) and _is_secret(name, value, harmless):
            return f"a secret by the name before it ({told(name, harmless)})"
    return None


def _by_name(name: str, text: str, harmless: str) -> str | None:
    return "a secret by the name of its property" if _is_secret(name, text, harmless) else None


def _named_beside(value: Mapping[str, Any], harmless: str, path: Path) -> Iterator[tuple[Path, str]]:
    names = [part for key, part in value.items() if str(key).lower() in _NAMES and isinstance(part, str)]
    type_ = value.get("type")
    for key, text in value.items():
        if str(key).lower() not in _VALUES or not isinstance(text, str) or type_ in _NAMED_ELSEWHERE:
            continue
        named = any(_is_secret(name, text, harmless) for name in names)
        if named or (type_ == "secret_text" and _may_be_secret(text, harmless)):
            yield (*path, str(key)), "a secret by the name beside it"


def _is_public_number(name: str, beside: Mapping[str, Any]) -> bool:
    return "kty" in beside and name in _PUBLIC_NUMBERS and not _PRIVATE_NUMBERS & beside.keys()


def _random(name: str, text: str, harmless: str) -> str | None:
    text = text.rpartition("::")[2] if text.startswith("urn:pulumi:") else text
    if text == harmless or _ends(_HARMLESS_NAME, name) or not _RANDOM.fullmatch(text):
        return None
    if only_goes_on(name) or _PUBLIC_KEY.match(text) or _is_joined(text):
        return None
    # What base64 makes readable is judged by what it says.
    return "a random key" if _is_mixed(text) and not any(opened(text)) else None


def _is_mixed(text: str) -> bool:
    """Whether a text has as many different letters and digits as only what is random has, if it is no hexadecimal."""
    digits = sum(char.isdigit() for char in text)
    if digits and re.search("[a-z]", text) and re.search("[A-Z]", text):
        return _bits(text) >= _RANDOM_BITS
    return text.isalnum() and digits * 6 > len(text) and _bits(text) > _RANDOM_BITS_OF_ONE_CASE


def _is_joined(text: str) -> bool:
    """Whether most parts of a name or a path are words, numbers or parts of a UUID, as few of what is random are."""
    parts = [part for part in re.split("[-/_]", text) if part]
    named = sum(_PART_OF_A_NAME.fullmatch(part) is not None for part in parts)
    return len(parts) >= _FEWEST_PARTS and (named * 2 > len(parts) or (text.startswith("/") and named >= _FEWEST_PARTS))


def _is_secret(name: str, text: str, harmless: str) -> bool:
    """Whether a text that is called so is a secret."""
    if not _may_be_secret(text, harmless):
        return False
    sure = says_secret(name, nested=True)
    # In a header it stands after the name of its scheme.
    return sure is Sureness.YES or (sure is Sureness.PERHAPS and unguessable(text.rpartition(" ")[2]))


def _may_be_secret(text: str, harmless: str) -> bool:
    if len(text.strip()) < _SHORTEST_SECRET or text.startswith(_NO_SECRET) or harmless in text:
        return False
    return not _TEMPLATE.match(text)


def _bits(text: str) -> float:
    """Return the Shannon entropy of the characters of ``text``, in bits."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def _ends(names: re.Pattern[str], name: str) -> bool:
    """Whether the last words of a name, in any spelling (`apiToken`, `API_TOKEN`), are among ``names``."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return re.search(rf"(?:{names.pattern})$", plain) is not None
