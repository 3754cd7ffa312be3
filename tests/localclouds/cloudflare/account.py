"""Records of a small made-up account, as the provider server writes them."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Any

from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

ACCOUNT = "0123456789abcdef0123456789abcdef"


class Account:
    """Grows by a record at each call; ``records`` is what the store would answer. Modules are kept in ``uploads``."""

    def __init__(self, uploads: Uploads | None = None, environment: str = "development") -> None:
        self.uploads = uploads
        self.environment = environment
        self.records: list[Record] = []
        self._count = itertools.count(1)

    def add(self, type_: str, id_: str, outputs: dict[str, Any] | None = None, **inputs: Any) -> Record:
        inputs = {"accountId": ACCOUNT, **inputs}
        urn = f"urn:{self.environment}:{type_}:{id_}"
        record = Record(type_, id_, self.environment, ACCOUNT, urn, inputs, inputs | (outputs or {}))
        self.records.append(record)
        return record

    def remove(self, record: Record) -> None:
        self.records.remove(record)

    def database(self, id_: str = "d1-id", name: str = "main") -> Record:
        return self.add(t.D1_DATABASE, id_, name=name)

    def namespace(self, id_: str = "kv-id", title: str = "sessions") -> Record:
        return self.add(t.WORKERS_KV_NAMESPACE, id_, title=title)

    def bucket(self, name: str = "files") -> Record:
        return self.add(t.R2_BUCKET, name, name=name)

    def queue(self, name: str = "events") -> Record:
        return self.add(t.QUEUE, f"{name}-id", queueName=name)

    def consumer(self, queue: Record, script: str, dead_letter: str | None = None, **settings: Any) -> Record:
        more: dict[str, Any] = {} if dead_letter is None else {"deadLetterQueue": dead_letter}
        return self.add(
            t.QUEUE_CONSUMER,
            f"{queue.id}-consumer",
            queueId=queue.id,
            scriptName=script,
            type="worker",
            settings=settings,
            **more,
        )

    def worker(self, name: str = "web", **inputs: Any) -> Record:
        return self.add(t.WORKER, f"{name}-id", name=name, **inputs)

    def version(self, worker: Record, code: str | Path, *bindings: dict[str, Any], **inputs: Any) -> Record:
        content = code.read_bytes() if isinstance(code, Path) else code.encode()
        digest = self.uploads.keep(content) if self.uploads else hashlib.sha256(content).hexdigest()
        module = {"name": "index.js", "contentType": "application/javascript+module", "contentSha256": digest}
        given = {"mainModule": "index.js", "compatibilityDate": "2026-07-01"} | inputs
        number = next(self._count)
        return self.add(
            t.WORKER_VERSION,
            f"version-{number}",
            {"createdOn": "2026-07-02T03:04:05Z"},
            workerId=worker.id,
            modules=[module],
            bindings=list(bindings),
            **given,
        )

    def deployment(self, worker: Record, *shares: tuple[Record, float]) -> Record:
        versions = [{"versionId": version.id, "percentage": share} for version, share in shares]
        name = worker.inputs["name"]
        return self.add(t.WORKERS_DEPLOYMENT, f"deployment-{next(self._count)}", scriptName=name, versions=versions)

    def deployed(self, name: str, code: str | Path, *bindings: dict[str, Any], **inputs: Any) -> Record:
        """Add a Worker, a version of it and a deployment of that version; return the Worker."""
        worker = self.worker(name)
        self.deployment(worker, (self.version(worker, code, *bindings, **inputs), 100))
        return worker

    def domain(self, hostname: str, service: str) -> Record:
        return self.add(t.WORKERS_CUSTOM_DOMAIN, hostname, hostname=hostname, service=service)

    def crons(self, script: str, *crons: str) -> Record:
        return self.add(t.WORKERS_CRON_TRIGGER, script, scriptName=script, schedules=[{"cron": cron} for cron in crons])


def durable(*classes: str, **states: str) -> dict[str, dict[str, str]]:
    """Return ``exports`` in which ``classes`` are alive and the others have the state that is given."""
    alive = {name: {"type": "durable-object", "storage": "sqlite"} for name in classes}
    return alive | {name: {"type": "durable-object", "state": state} for name, state in states.items()}
