"""A stage's provider as the handlers see it, without an engine: create, read, update and delete one resource."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bulkhead.localclouds.aws.handlers import handlers
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.providers.handler import Caller, Recorded
from bulkhead.localclouds.providers.store import Record, Store

DEFAULT_TAGS = {"product": "harbor", "stage": "staging"}


class PlainRules:
    """Rules that know nothing: whatever a test sees comes from the local AWS."""

    def account_of(self, caller: Caller, inputs: Mapping[str, Any]) -> str:
        return caller.account

    def id_of(self, caller: Caller, inputs: Mapping[str, Any]) -> str:
        return f"planned:{sorted(inputs.items())}"

    def outputs_of(self, caller: Caller, id_: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return dict(inputs)


class AwsStage:
    """One provider, pinned to one account, and the store its records go to."""

    def __init__(self, local: LocalAws, account: str, folder: Path, config: Mapping[str, Any] | None = None) -> None:
        pinned = {"allowedAccountIds": [account], "region": local.region, "defaultTags": {"tags": DEFAULT_TAGS}}
        self.local = local
        self.folder = folder
        self.account = account
        self.caller = Caller("staging", "aws", pinned if config is None else config)
        self.store = Store(folder / f"{account}.sqlite")

    def handler(self, token: str) -> Recorded:
        return handlers(self.local)[token](token, PlainRules())

    def create(self, token: str, **inputs: Any) -> Record:
        return self.handler(token).create(self.caller, self.store, f"urn:{token}", inputs)

    def read(self, record: Record) -> Record | None:
        return self.handler(record.type).read(self.caller, self.store, record.id)

    def update(self, record: Record, **inputs: Any) -> Record:
        return self.handler(record.type).update(self.caller, self.store, record.id, inputs)

    def delete(self, record: Record) -> None:
        self.handler(record.type).delete(self.caller, self.store, record.id)

    def aws(self, service: str) -> Any:
        return self.local.client(self.account, service)
