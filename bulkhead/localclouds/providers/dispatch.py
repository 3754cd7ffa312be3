"""Where the resources of each type are: behind their cloud's HTTP API, or in the handlers of this process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.remote import Remote
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.store import Record

# How an import says in which region a resource is that is not in its provider's.
_REGION: Final = re.compile(r"@[a-z]{2}(?:-[a-z]+)+-\d$")


class Dispatch:
    """All resources, as the provider servers see them. Raises NotRehearsed for a type without rules, ApiRefusal where
    the cloud says no.

    A cloud knows no URN. The store notes which one made what, so that a rehearsal that was killed between a create and
    the state's next line can go on.
    """

    def __init__(self, resources: Resources, remote: Mapping[str, Remote] | None = None) -> None:
        self._resources = resources
        self._remote = {} if remote is None else remote

    def create(self, caller: Caller, token: str, urn: str, inputs: Properties) -> Record:
        """Make the resource."""
        if token not in self._remote:
            return self._resources.create(caller, token, urn, inputs)
        record = self._remote[token].create(caller, inputs)
        self._resources.store.note(token, record.id, urn)
        return record

    def read(self, caller: Caller, token: str, id_: str, known: Properties, inputs: Properties) -> Record | None:
        """Return the resource as its cloud has it; ``known`` and ``inputs`` are its state, empty for an import."""
        if token in self._remote:
            return self._remote[token].read(caller, id_, known, inputs)
        return self._resources.read(caller, token, _REGION.sub("", id_) if token.startswith("aws:") else id_)

    def update(self, caller: Caller, token: str, id_: str, known: Properties, inputs: Properties) -> Record:
        """Change the resource in place."""
        if token in self._remote:
            return self._remote[token].update(caller, id_, known, inputs)
        return self._resources.update(caller, token, id_, inputs)

    def delete(self, caller: Caller, token: str, id_: str, known: Properties) -> None:
        """Delete the resource."""
        if token in self._remote:
            self._remote[token].delete(caller, id_, known)
        else:
            self._resources.delete(caller, token, id_)
