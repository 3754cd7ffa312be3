"""The resource types that have a real effect in a stage's local Cloudflare.

The rule tables of `bulkhead.localclouds.providers` decide whether the API would accept a request; this module executes
it. A deployment is started before it is stored, because one that does not run must be refused. Stores, hostnames and
triggers become real a moment later, as at Cloudflare, so a stage of sixty resources needs five restarts of workerd
instead of sixty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from secrets import token_hex
from typing import Final

from bulkhead.localclouds.cloudflare import layout, options
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.providers.access import ends, hostnames
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller, Identity, Recorded
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.resources import types as t

CloudOf = Callable[[str], LocalCloudflare]
Factory = Callable[[str, Identity], Recorded]


def handlers(cloud_of: CloudOf) -> Mapping[str, Factory]:
    """Return what makes the handler of each type; ``cloud_of`` gives the cloud of an environment."""
    return {token: partial(kind, cloud_of) for token, kind in _KINDS.items()}


class _Declared(Recorded):
    """A part of a stage that becomes real, or is removed, a moment after its row was written."""

    def __init__(self, cloud_of: CloudOf, token: str, rules: Identity) -> None:
        super().__init__(token, rules)
        self._cloud_of = cloud_of

    def on_store_changed(self, caller: Caller, store: Store, record: Record) -> None:
        cloud = self._cloud_of(record.environment)
        gone = store.get(record.type, record.id) is None
        with cloud.lock:
            cloud.declare(store.all(environment=record.environment), self._files(cloud, record) if gone else [])

    def _files(self, _cloud: LocalCloudflare, _record: Record) -> list[str]:
        """Return what is to be deleted from disk with the record."""
        return []


class _Database(_Declared):
    def _files(self, _cloud: LocalCloudflare, record: Record) -> list[str]:
        return [*layout.database(record.id), layout.bookmarks(record.id)]


class _Namespace(_Declared):
    def _files(self, _cloud: LocalCloudflare, record: Record) -> list[str]:
        return layout.namespace(record.id)


class _Bucket(_Declared):
    def on_delete(self, caller: Caller, store: Store, record: Record) -> None:
        name = record.inputs["name"]
        if not self._cloud_of(record.environment).client.r2_is_empty(name):
            raise ApiRefusal(
                f"The bucket you tried to delete ({name}) is not empty (account {record.account}). [code: 10008]"
            )

    def _files(self, _cloud: LocalCloudflare, record: Record) -> list[str]:
        return layout.bucket(record.inputs["name"])


class _Application(_Declared):
    def on_update(self, caller: Caller, store: Store, old: Record, new: Record) -> Record:
        return replace(new, outputs={**new.outputs, **hostnames(new.inputs)})


class _ServiceToken(_Declared):
    def on_update(self, caller: Caller, store: Store, old: Record, new: Record) -> Record:
        """Give it another secret when its version grows, the one before being good until it is said to end."""
        outputs = dict(new.outputs)
        if new.outputs["duration"] != old.outputs["duration"]:
            outputs["expiresAt"] = ends(new.outputs["duration"])
        if new.outputs["clientSecretVersion"] > old.outputs["clientSecretVersion"]:
            outputs |= {"clientSecret": token_hex(32), "previousClientSecret": old.outputs["clientSecret"]}
        return replace(new, outputs=outputs)


class _Worker(_Declared):
    def on_update(self, caller: Caller, store: Store, old: Record, new: Record) -> Record:
        if old.inputs["name"] != new.inputs["name"]:
            raise ApiRefusal(
                "name: renaming a Worker is not rehearsed; its Durable Objects would stay with the old name"
            )
        return new

    def _files(self, cloud: LocalCloudflare, record: Record) -> list[str]:
        return layout.objects_of(record.inputs["name"], cloud.object_directories())


class _Proposed(_Declared):
    """A part of a stage that is refused unless it runs."""

    def on_create(self, caller: Caller, store: Store, record: Record) -> Record:
        cloud = self._cloud_of(record.environment)
        with cloud.lock:
            cloud.proposed[record.type, record.id] = record
            try:
                cloud.apply(store.all(environment=record.environment))
            except BaseException:
                del cloud.proposed[record.type, record.id]
                cloud.declare(store.all(environment=record.environment))
                raise
        return record

    def on_update(self, caller: Caller, store: Store, old: Record, new: Record) -> Record:
        return self.on_create(caller, store, new)

    def on_store_changed(self, caller: Caller, store: Store, record: Record) -> None:
        cloud = self._cloud_of(record.environment)
        with cloud.lock:
            cloud.proposed.pop((record.type, record.id), None)
        super().on_store_changed(caller, store, record)


class _Version(_Proposed):
    def on_create(self, caller: Caller, store: Store, record: Record) -> Record:
        options.check_version(record, self._cloud_of(record.environment).runtime_date)
        return super().on_create(caller, store, record) if record.inputs.get("deploy") else record


_KINDS: Final[Mapping[str, Callable[[CloudOf, str, Identity], Recorded]]] = {
    t.D1_DATABASE: _Database,
    t.WORKERS_KV_NAMESPACE: _Namespace,
    t.R2_BUCKET: _Bucket,
    t.QUEUE: _Declared,
    t.WORKERS_CRON_TRIGGER: _Declared,
    t.WORKERS_CUSTOM_DOMAIN: _Declared,
    t.WORKERS_ROUTE: _Declared,
    t.QUEUE_CONSUMER: _Proposed,
    t.WORKER: _Worker,
    t.WORKER_VERSION: _Version,
    t.WORKERS_DEPLOYMENT: _Proposed,
    t.ZERO_TRUST_ACCESS_APPLICATION: _Application,
    t.ZERO_TRUST_ACCESS_POLICY: _Declared,
    t.ZERO_TRUST_ACCESS_SERVICE_TOKEN: _ServiceToken,
}
