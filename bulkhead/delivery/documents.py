"""JSON documents in a bucket, added under one number after the other and never changed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from bulkhead.clients.objects import Objects
from bulkhead.machine.owner import Owner
from bulkhead.model.faults import Fault, Refused
from bulkhead.resources.secret_forms import form_of

FORMAT: Final = 1
_AT_ONCE: Final = 8

Document = Mapping[str, Any]


class Documents:
    """Documents below ``root``, which ends in a slash; ``me`` is who writes them."""

    def __init__(self, objects: Objects, root: str, me: Owner) -> None:
        self.objects = objects
        self.me = me
        self._root = root

    def signed(self, document: Document) -> Document:
        """Return a document as it is to be added, by whom and when. No two are equal, and no secret is in one: what
        looks like one is left out, because it may have come with somebody's answer."""
        return {
            "format": FORMAT,
            **without_secrets(document),
            "at": self.objects.now().earliest.isoformat(),
            "by": self.me.document(),
            "nonce": secrets.token_hex(8),
        }

    def add(self, folder: str, number: int, signed: Document) -> None:
        """Write a document under a number. Raises Taken where another one has it; to repeat this does no harm."""
        self.objects.add(self.key(folder, number), json.dumps(signed, indent=1, ensure_ascii=False).encode())

    def after(self, folder: str, number: int) -> Iterator[tuple[int, Document]]:
        """Yield the documents after a number. Raises Refused where one of them is missing, or is none of ours."""
        names = self.objects.list(f"{self._root}{folder}", _name(number)).objects
        wanted = [_name(number + nth) for nth in range(1, len(names) + 1)]
        if names != wanted:
            at, found = next(pair for pair in zip(wanted, names, strict=True) if pair[0] != pair[1])
            message = f"is missing, and {found} follows: what came in between cannot be known"
            fault = Fault(f"{self._root}{folder}{at}", message, "bring back its older version")
            raise Refused("The journal cannot be read.", [fault])
        keys = [f"{self._root}{folder}{name}" for name in names]
        with ThreadPoolExecutor(_AT_ONCE) as pool:  # an entry for each minute of a rollout is too many one by one
            for nth, (key, there) in enumerate(zip(keys, pool.map(self.objects.read, keys), strict=True), number + 1):
                if there is None:
                    raise unreadable(key)
                yield nth, parsed(key, there.body)

    def folders(self) -> list[str]:
        """Return the folders, in order."""
        return self.objects.list(self._root).folders

    def key(self, folder: str, number: int) -> str:
        return f"{self._root}{folder}{_name(number)}"


def parsed(key: str, body: bytes) -> dict[str, Any]:
    """Return a document that this or an older Bulkhead wrote. Raises Refused for any other."""
    try:
        document = json.loads(body)
        written = int(document["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise unreadable(key) from error
    if written > FORMAT:
        message = f"was written by a newer Bulkhead (format {written}; this one reads {FORMAT})"
        fix = "check out the newer revision, and go on with that"
        raise Refused("The journal cannot be read.", [Fault(key, message, fix)])
    return dict(document)


def unreadable(key: str) -> Refused:
    """Return what to raise for an object that no Bulkhead wrote."""
    fix = "look at the object and its older versions in the bucket: somebody else has written it"
    return Refused("The journal cannot be read.", [Fault(key, "is no document of a deployment", fix)])


def _name(number: int) -> str:
    return f"{number:05}.json"


def without_secrets(value: Any) -> Any:
    """Return a text, or whatever holds texts, with a remark in the place of each that has the form of a secret."""
    match value:
        case str():
            form = form_of(value)
            return f"({form} stood here)" if form else value
        case Mapping():
            return {name: without_secrets(each) for name, each in value.items()}
        case list() | tuple():
            return [without_secrets(each) for each in value]
    return value
