"""What is written for one stage is about no other one (pure): no hostname, account, physical name or stage of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.marks import NO_MAIL
from bulkhead.model.naming import Label
from bulkhead.model.settings import StageSettings
from bulkhead.resources.texts import texts

_HOSTNAME: Final = re.compile(rf"{NO_MAIL}([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Marks:
    """What a text has in it that is about one stage. ``words`` are texts that are the stage's as a whole."""

    environment: str
    hostname: str
    prefix: str
    ids: frozenset[str]
    words: frozenset[str]


def marks_of(label: Label, settings: StageSettings) -> Marks:
    """Return what gives a stage away."""
    return Marks(
        environment=label.environment,
        hostname=settings.cloudflare.hostname,
        prefix=label.prefix,
        ids=frozenset({settings.cloudflare.account_id, settings.cloudflare.zone_id, settings.aws.account_id}),
        words=frozenset({label.environment, label.stage.value}),
    )


def require_own(documents: Mapping[str, Any], own: Marks, others: Sequence[Marks]) -> None:
    """Raise Refused, with every place, when `foreign_names` finds anything."""
    found = foreign_names(documents, own, others)
    if found:
        message = f"What would be written for {own.environment} is about another stage, so nothing was written."
        raise Refused(message, found)


def foreign_names(documents: Mapping[str, Any], own: Marks, others: Sequence[Marks]) -> list[Fault]:
    """Return a fault for every text in ``documents``, by file, that is about one of the other stages and not about its
    own. What two stages share, such as an account, gives neither away."""
    return [
        Fault(
            key,
            f"is about {other.environment} ({what}); whoever uses this file for {own.environment} would reach it",
            f"find out where it comes from: the manifest, Pulumi.{own.environment}.yaml or the product",
            file,
        )
        for file, document in documents.items()
        for key, text in _texts(document, "")
        for other, what in _foreign(text, own, others)
    ]


def _foreign(text: str, own: Marks, others: Sequence[Marks]) -> Iterator[tuple[Marks, str]]:
    for other in others:
        for id_ in sorted(other.ids - own.ids):
            if re.search(rf"(?<![0-9a-z]){id_}(?![0-9a-z])", text, re.IGNORECASE):
                yield other, f"the id {id_}"
        if re.search(rf"(?<![a-z0-9-]){re.escape(other.prefix)}", text, re.IGNORECASE):
            yield other, f"a name that begins with {other.prefix}"
        if text in other.words - own.words:
            yield other, f"the word {text}"
    for hostname in _HOSTNAME.findall(text.lower()):
        owner = _owner(hostname, own, others)
        if owner is not None and owner != own:
            yield owner, f"the hostname {hostname}"


def _owner(hostname: str, own: Marks, others: Sequence[Marks]) -> Marks | None:
    """Return the stage that a hostname belongs to: staging.example.com lies below example.com, and is not its."""
    owners = [one for one in (own, *others) if hostname == one.hostname or hostname.endswith(f".{one.hostname}")]
    return max(owners, key=lambda one: len(one.hostname), default=None)


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Yield every text of a JSON document with its key path; names of keys count as texts, too."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            below = f"{key}.{name}" if key else str(name)
            yield below, str(name)
            yield from _texts(inner, below)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{key}[{index}]")
    elif not isinstance(value, bool):
        yield from ((key, found.text) for found in texts(value))
