"""One Worker of the stage: its identity, the version of its code, and what sends it requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_cloudflare as cloudflare

from bulkhead.model.bindings import by_name
from bulkhead.model.bundles import Bundle
from bulkhead.model.naming import Kind, Label
from bulkhead.model.observability import observability
from bulkhead.model.product import Worker
from bulkhead.model.settings import StageSettings
from infra.uploads import UploadedBefore, content_of, reach, seal_of

_MODULE: Final = "index.js"


@dataclass(frozen=True, slots=True)
class StageWorkerArgs:
    """``bindings`` are in Cloudflare's shape and complete. ``calls`` are the Workers this one reaches, ``touches`` the
    resources its bindings point at: both must be there before it and may go only after it. ``before`` is what the last
    `up` uploaded; None in a stage where everybody gets every version at once."""

    label: Label
    settings: StageSettings
    worker: Worker
    bundle: Bundle
    bindings: Sequence[dict[str, Any]]
    hostname: str | None
    before: UploadedBefore | None
    calls: tuple[StageWorker, ...] = ()
    touches: tuple[pulumi.Resource, ...] = ()


class StageWorker(pulumi.ComponentResource):
    """A Worker, its version, its deployment, its cron trigger and its hostname.

    The version is immutable: each change of code, bindings or limits makes a new one. Where the stage's rollout is
    all-at-once, the deployment follows it. Else the deployment sends everybody to the first version, and from then on
    delivery decides which version gets how many requests, in an emergency the dashboard: the program ignores what they
    deploy, so the next `up` leaves it.

    A version that changes which Durable Object classes there are is deployed by its upload, because the API refuses it
    otherwise (error 10211). In an all-at-once stage every version of a Worker that owns or retires classes is, and such
    a Worker has no other deployment. Versions and deployments are neither protected nor retained: their provider's
    delete does nothing, and a protected one could never be replaced.

    A workers.dev address exists in a development that is public only, and only for Workers that have a hostname;
    preview addresses go with it. A closed stage has none: its login stands before hostnames (STG-8).

    Left out: shares of requests (an operation on versions, not a state of the stage), static assets, and
    ``WorkersScript``, which would upload and deploy in one step without a way back.
    """

    live: pulumi.Resource
    """What must exist before anything may send requests to this Worker: its deployment."""
    upload: Mapping[str, Any]
    """What the stack exports of the version (`bulkhead.model.uploads`)."""
    seal: pulumi.Output[str]
    """What the stack exports of the version's secrets."""

    def __init__(self, name: str, args: StageWorkerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:workers:StageWorker", name, {}, opts)
        self._args = args
        self.hostname = args.hostname
        self.worker = self._identity(name)
        inputs = self._inputs()
        content, self.seal = content_of(inputs), seal_of(inputs)
        deploys = self._deploys(content)
        self.version = self._upload(name, inputs, deploys)
        deployment = None if args.before is None and self._owner else self._deployment(name)
        self.live = deployment or self.version
        if args.worker.crons is not None:
            self._cron_trigger(name, args.worker.crons)
        if args.hostname:
            self._custom_domain(name, args.hostname)
        self.upload = {
            "version": self.version.id,
            "tag": args.bundle.sha256,
            "classes": list(args.worker.owns),
            "retired": list(args.worker.retired),
            "content": content,
            "deploysItself": deploys.apply(bool),
            "reach": reach(self.version, deployment),
        }
        self.register_outputs({"name": self.worker.name, "version": self.version.id})

    @property
    def _owner(self) -> bool:
        return bool(self._args.worker.owns or self._args.worker.retired)

    @property
    def _account(self) -> str:
        return self._args.settings.cloudflare.account_id

    def _deploys(self, content: pulumi.Output[str]) -> pulumi.Output[bool | None]:
        """Return whether the upload deploys the version: True, or None."""
        before = self._args.before
        if before is None or not self._owner:
            return pulumi.Output.from_input(self._owner or None)
        return before.deploys_itself(self._args.worker, content, self.seal)

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _replaceable_child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), protect=False, retain_on_delete=False)

    def _identity(self, name: str) -> cloudflare.Worker:
        args = self._args
        settings = args.settings
        watched: Any = observability(settings)
        reachable = settings.on_workers_dev and args.hostname is not None
        return cloudflare.Worker(
            name,
            account_id=self._account,
            name=args.label.name(Kind.WORKER, args.worker.name),
            logpush=False,
            tags=args.label.worker_tags(),
            subdomain={"enabled": reachable, "previews_enabled": reachable},
            observability=watched,
            # A deletion goes the other way round: Cloudflare refuses to delete a Worker that another still calls.
            opts=self._child(*args.touches, *(target.worker for target in args.calls)),
        )

    def _inputs(self) -> Mapping[str, Any]:
        """Return everything about the version that makes it another one when it changes."""
        args, worker = self._args, self._args.worker
        live: dict[str, Any] = {owned: {"type": "durable-object", "storage": "sqlite"} for owned in worker.owns}
        gone: dict[str, Any] = {retired: {"type": "durable-object", "state": "deleted"} for retired in worker.retired}
        return {
            "account_id": self._account,
            "worker_id": self.worker.id,
            "main_module": _MODULE,
            "modules": [
                {"name": _MODULE, "content_type": "application/javascript+module", "content_file": args.bundle.path}
            ],
            "compatibility_date": worker.compatibility_date,
            "compatibility_flags": sorted(worker.compatibility_flags),
            "bindings": by_name(list(args.bindings)),
            "limits": worker.limits(args.settings.workers.cpu_ms) or None,
            "exports": {**live, **gone} or None,
            # The path of the bundle never changes, so only its hash makes changed code a change.
            "annotations": {
                "workers_tag": args.bundle.sha256,
                "workers_message": f"release {args.bundle.release}",
            },
        }

    def _upload(
        self, name: str, inputs: Mapping[str, Any], deploys: pulumi.Output[bool | None]
    ) -> cloudflare.WorkerVersion:
        bindings = [cloudflare.WorkerVersionBindingArgs(**binding) for binding in inputs["bindings"]]
        return cloudflare.WorkerVersion(
            f"{name}-version",
            **{**inputs, "bindings": bindings},
            deploy=deploys,
            opts=self._replaceable_child(*(target.live for target in self._args.calls)),
        )

    def _deployment(self, name: str) -> cloudflare.WorkersDeployment:
        others = [] if self._args.before is None else ["versions", "annotations"]
        return cloudflare.WorkersDeployment(
            f"{name}-deployment",
            account_id=self._account,
            script_name=self.worker.name,
            strategy="percentage",
            versions=[{"version_id": self.version.id, "percentage": 100}],
            annotations={"workers_message": f"release {self._args.bundle.release}"},
            opts=pulumi.ResourceOptions.merge(self._replaceable_child(), pulumi.ResourceOptions(ignore_changes=others)),
        )

    def _cron_trigger(self, name: str, crons: Sequence[str]) -> cloudflare.WorkersCronTrigger:
        return cloudflare.WorkersCronTrigger(
            f"{name}-crons",
            account_id=self._account,
            script_name=self.worker.name,
            schedules=[{"cron": cron} for cron in crons],  # none: its provider deletes nothing, so this ends them
            opts=self._child(self.live),
        )

    def _custom_domain(self, name: str, hostname: str) -> cloudflare.WorkersCustomDomain:
        return cloudflare.WorkersCustomDomain(
            f"{name}-domain",
            account_id=self._account,
            zone_id=self._args.settings.cloudflare.zone_id,
            hostname=hostname,
            service=self.worker.name,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[self.live],
                # Creating is an upsert on the hostname: create-before-delete would remove what it has just made.
                delete_before_replace=True,
                # The API answers "production" although nobody asked, and the difference would force a replacement
                # (cloudflare/terraform-provider-cloudflare#6907).
                ignore_changes=["environment"],
            ),
        )
