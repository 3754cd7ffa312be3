"""All Workers of the stage, and who may touch what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare

from bulkhead.model.bindings import D1, KV, R2, Binding, QueueProducer, Secret
from bulkhead.model.bundles import Bundle
from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Product, Queue, Worker
from bulkhead.model.product_rules import calls
from bulkhead.model.settings import StageSettings
from bulkhead.model.variables import stage_variables
from infra.components.stores import DataStores
from infra.components.worker import StageWorker, StageWorkerArgs
from infra.uploads import UploadedBefore


@dataclass(frozen=True, slots=True)
class WorkersArgs:
    """``bundles`` and ``hostnames`` are by Worker; ``secrets`` by camelCase name, as the stage's settings hold them."""

    label: Label
    settings: StageSettings
    product: Product
    stores: DataStores
    secrets: Mapping[str, pulumi.Output[str]]
    bundles: Mapping[str, Bundle]
    hostnames: Mapping[str, str]


class Workers(pulumi.ComponentResource):
    """The product's Workers in the order in which they can be deployed, and the consumers of its queues.

    A Worker gets exactly the bindings the product grants it, and the variables of the stage (SEC-5). A consumer is made
    after the deployment of its Worker, because a queue cannot deliver to code that is not there.

    Left out: any binding that crosses stages. A binding can only name a store or a Worker of the product, and those are
    made by this very stack.
    """

    def __init__(self, name: str, args: WorkersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:workers:Workers", name, {}, opts)
        self._args = args
        self.workers: dict[str, StageWorker] = {}
        grants = _Grants(args.label, args.stores, args.secrets, self.workers)
        before = None if args.settings.rollout.strategy == "all-at-once" else UploadedBefore()
        for worker in args.product.deployment_order():
            self.workers[worker.name] = self._worker(worker, grants, before)
        for queue in args.product.queues:
            if queue.consumer is not None:
                self._consumer(queue, self.workers[queue.consumer])
        self.register_outputs({name: worker.worker.name for name, worker in self.workers.items()})

    @property
    def uploads(self) -> Mapping[str, Any]:
        """What the stack exports of the versions, by Worker."""
        return {name: worker.upload for name, worker in self.workers.items()}

    @property
    def seals(self) -> Mapping[str, pulumi.Output[str]]:
        """The seals that the next `up` has to know, by Worker: of those whose versions may deploy themselves."""
        owners = [worker for worker in self._args.product.workers if worker.owns or worker.retired]
        holders = [worker for worker in owners if any(isinstance(binding, Secret) for binding in worker.bindings)]
        return {worker.name: self.workers[worker.name].seal for worker in holders}

    def _worker(self, worker: Worker, grants: _Grants, before: UploadedBefore | None) -> StageWorker:
        args, bundle = self._args, self._args.bundles[worker.name]
        service = args.label.name(Kind.WORKER, worker.name)
        return StageWorker(
            worker.name,
            StageWorkerArgs(
                label=args.label,
                settings=args.settings,
                worker=worker,
                bundle=bundle,
                bindings=[
                    *stage_variables(args.label, args.settings, service, bundle.release),
                    *(binding.wire(grants) for binding in worker.bindings),
                ],
                hostname=args.hostnames.get(worker.name),
                before=before,
                calls=tuple(self.workers[target] for target in sorted(calls(args.product)[worker.name])),
                touches=tuple(store for binding in worker.bindings if (store := grants.store(binding)) is not None),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _consumer(self, queue: Queue, consumer: StageWorker) -> None:
        stores = self._args.stores
        cloudflare.QueueConsumer(
            f"{queue.name}-consumer",
            account_id=self._args.settings.cloudflare.account_id,
            queue_id=stores.queues[queue.name].queue_id,
            type="worker",
            script_name=consumer.worker.name,
            dead_letter_queue=stores.queue_name(queue.dead_letter) if queue.dead_letter else None,
            settings={
                "batch_size": queue.batch_size,
                "max_retries": queue.max_retries,
                "max_wait_time_ms": queue.max_wait_ms,
                "max_concurrency": queue.max_concurrency,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[consumer.live]),
        )


@dataclass(frozen=True, slots=True)
class _Grants:
    """What the product's bindings point at in this stage (bulkhead.model.bindings.References)."""

    label: Label
    stores: DataStores
    secrets: Mapping[str, pulumi.Output[str]]
    workers: Mapping[str, StageWorker]

    def database_id(self, database: str) -> Any:
        return self.stores.database_id(database)

    def namespace_id(self, namespace: str) -> Any:
        return self.stores.namespace_id(namespace)

    def bucket_name(self, bucket: str) -> Any:
        return self.stores.bucket_name(bucket)

    def queue_name(self, queue: str) -> Any:
        return self.stores.queue_name(queue)

    def worker_name(self, worker: str) -> Any:
        return self.workers[worker].worker.name

    def dataset_name(self, dataset: str) -> Any:
        return self.label.name(Kind.DATASET, dataset)

    def secret(self, secret: str) -> Any:
        return self.secrets[secret]

    def store(self, binding: Binding) -> pulumi.Resource | None:
        """Return the store a binding points at, None when it points at none."""
        match binding:
            case D1(database=name):
                return self.stores.databases[name]
            case KV(namespace=name):
                return self.stores.namespaces[name]
            case R2(bucket=name):
                return self.stores.buckets[name]
            case QueueProducer(queue=name):
                return self.stores.queues[name]
            case _:
                return None
