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

Path = tuple[str | int, ...]

# Recognised by their form alone, anywhere in a text. Cloudflare: docs, "Token formats" (prefix, 40 characters,
# checksum).
_FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{30,})")),
    ("a Cloudflare token", re.compile(r"\bcf(?:k|ut|at)_[A-Za-z0-9]{40,}")),
    ("a Slack token", re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{10,}")),
    ("a Slack webhook", re.compile(r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+")),
    ("a Pulumi token", re.compile(r"\bpul-[0-9a-f]{40}\b")),
    ("an API key", re.compile(r"\bsk[-_][A-Za-z0-9_-]{20,}|\bAIza[A-Za-z0-9_-]{35}")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*")),
    ("a password in a URL", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"']+:[^\s/@\"']+@")),
)
# Texts that look like a secret but are none, by type of resource and path (`outputs.settings.key`), with the reason.
HARMLESS: Final[Mapping[tuple[str, str], str]] = {}

_SECRET_NAME: Final = re.compile(
    r"(?:password|passwd|passphrase|secret|token|apikey|privatekey|secretkey|accesskey|sessionkey|credentials?|webhook)s?"
)
_SHORTEST_SECRET: Final = 8
# The keys of pairs of a name and a value: bindings of a Worker, variables of GitHub, environments of jobs.
_NAMES: Final = ("name", "variableName", "key")
_VALUES: Final = ("text", "value", "json")
_HARMLESS_NAME: Final = re.compile(r"(?:id|hash|etag|sha\d*|md5|digest|checksum|fingerprint|base64sha256|tag|arn)s?")
_RANDOM: Final = re.compile(r"[A-Za-z0-9+/_-]{32,}={0,2}")
_RANDOM_BITS: Final = 4.2  # bits a character; random letters and digits of this length have 4.5, words 3.5 to 4


def suspects(value: Any, harmless: str, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the place of each text in ``value`` that looks like a secret, and what it looks like.

    ``harmless`` is the placeholder, which is no secret. ``path`` is the path of ``value``.
    """
    match value:
        case str():
            name = next((step for step in reversed(path) if isinstance(step, str)), "")
            if form_name := _form(value) or _by_name(name, value, harmless) or _random(name, value, harmless):
                yield path, form_name
        case Mapping():
            for name, part in value.items():
                yield from suspects(part, harmless, (*path, str(name)))
            yield from _named_beside(value, harmless, path)
        case list() | tuple():
            for index, part in enumerate(value):
                yield from suspects(part, harmless, (*path, index))


def _form(text: str) -> str | None:
    return next((form_name for form_name, form in _FORMS if form.search(text)), None)


def _by_name(name: str, text: str, harmless: str) -> str | None:
    if not _ends(_SECRET_NAME, name) or not _may_be_secret(text, harmless):
        return None
    return "a secret by the name of its property"


def _named_beside(value: Mapping[str, Any], harmless: str, path: Path) -> Iterator[tuple[Path, str]]:
    names = [value[key] for key in _NAMES if isinstance(value.get(key), str)]
    if not any(_ends(_SECRET_NAME, name) for name in names) and value.get("type") != "secret_text":
        return
    for key in _VALUES:
        text = value.get(key)
        if isinstance(text, str) and _may_be_secret(text, harmless):
            yield (*path, key), "a secret by the name beside it"


def _random(name: str, text: str, harmless: str) -> str | None:
    if text == harmless or _ends(_HARMLESS_NAME, name) or not _RANDOM.fullmatch(text):
        return None
    mixed = all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return "a random key" if mixed and _bits(text) >= _RANDOM_BITS else None


def _may_be_secret(text: str, harmless: str) -> bool:
    referring = text.startswith("arn:") or harmless in text
    return len(text) >= _SHORTEST_SECRET and not referring and not any(map(str.isspace, text))


def _bits(text: str) -> float:
    """Return the Shannon entropy of the characters of ``text``, in bits."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def _ends(names: re.Pattern[str], name: str) -> bool:
    """Whether the last words of a name, in any spelling (`apiToken`, `API_TOKEN`), are among ``names``."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return re.search(rf"(?:{names.pattern})$", plain) is not None
