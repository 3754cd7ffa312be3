"""Run a Pulumi program without an engine, and see everything it would have told one.

``render`` is the entry point. It differs from ``pulumi.runtime.set_mocks`` in four ways: options such as ``protect``
are kept too, a secret stays sealed, what is read instead of created is kept too, and each run has an event loop and
settings of its own, so runs cannot see each other.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from bulkhead.engine.rendered import Cloud, CreateRequest, CreateResponse, Rendered, from_wire, to_wire
from bulkhead.resources.kind import STACK, STACK_REFERENCE
from bulkhead.resources.planned import PlannedResource, unsealed

_ORGANIZATION: Final = "organization"  # of every stack whose state is in a folder or a bucket


class Unrenderable(Exception):
    """A program that no engine would run, or that asks a cloud while it runs."""


def render(
    program: Callable[[], object],
    stack: str,
    *,
    project: str = "bulkhead",
    cloud: Cloud | None = None,
    dry_run: bool = False,
    before: Mapping[str, Any] | None = None,
) -> Rendered:
    """Run ``program`` as stack ``stack`` and return what it registered and exported. Exceptions come through; raises
    Unrenderable for what only an engine would notice.

    ``cloud`` says what each resource would be answered; without one, an id alone. With ``dry_run``, as in a preview,
    what it does not say is not known (``UNKNOWN``), otherwise it is null. ``before`` are the outputs that a program
    reads of its own stack; without them it was never brought up.
    """
    rendered = Rendered()
    monitor = _Monitor(stack, project, rendered, cloud or _only_an_id, before or {})
    context = contextvars.copy_context()
    # The SDK tells the engine the whole call stack of every resource: below pytest that is sixty frames, here fifteen.
    with ThreadPoolExecutor(max_workers=1) as thread:
        run = thread.submit(context.run, _run, program, monitor, dry_run)
    if monitor.faults:  # raised here, because what an RPC raises the SDK reports in several places at once
        raise Unrenderable("; ".join(monitor.faults)) from run.exception()
    run.result()
    return rendered


def _only_an_id(request: CreateRequest) -> CreateResponse:
    return CreateResponse(f"{request.stack}-{request.name}-id")


def _run(program: Callable[[], object], monitor: _Monitor, dry_run: bool) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_main(program, monitor, dry_run))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


async def _main(program: Callable[[], object], monitor: _Monitor, dry_run: bool) -> None:
    information = monitor.GetDeploymentInfo(empty_pb2.Empty())  # type: ignore[no-untyped-call]
    configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(information.supportedFeatures),
            engine=_Engine(monitor.rendered),
            project=monitor.project,
            stack=monitor.stack,
            dry_run=dry_run,
            organization=_ORGANIZATION,
            callbacks=None,
        )
    )

    def run_once() -> None:
        program()

    await run_in_stack(run_once)


class _Engine:
    def __init__(self, rendered: Rendered) -> None:
        self._rendered = rendered

    def Log(self, request: Any) -> None:  # noqa: N802 -- the name of the RPC
        if request.severity >= engine_pb2.WARNING:
            self._rendered.messages.append(request.message)


class _NoMocks(mocks.Mocks):
    """The SDK wants to be given some; the monitor answers everything by itself."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError


class _Monitor(mocks.MockMonitor):
    """Answers from the thread it is called on, without an event loop there: one left open would be a warning."""

    def __init__(self, stack: str, project: str, rendered: Rendered, cloud: Cloud, before: Mapping[str, Any]) -> None:
        super().__init__(_NoMocks())
        self.stack = stack
        self.project = project
        self.rendered = rendered
        self.faults: list[str] = []
        self._cloud = cloud
        self._before = before
        self._lock = threading.Lock()
        self._options: dict[str, dict[str, bool]] = {}
        self._providers: dict[str, Mapping[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 -- the name of the RPC
        urn = self._urn(request)
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = from_wire(json_format.MessageToDict(request.object))
        created = self._created(request, unsealed(inputs)) if request.custom else CreateResponse("")
        self._keep(
            PlannedResource(
                type=request.type,
                name=request.name,
                urn=urn,
                id=created.id,
                inputs=inputs,
                outputs=created.outputs,
                parent=_component(request.parent),
                provider=_provider(request),
                custom=request.custom,
                protect=self._inherited(request, "protect"),
                retain_on_delete=self._inherited(request, "retainOnDelete"),
                delete_before_replace=request.deleteBeforeReplace,
                ignore_changes=tuple(request.ignoreChanges),
                dependencies=frozenset(request.dependencies) | _named_in(request.propertyDependencies),
                sources={name: tuple(group.urns) for name, group in request.propertyDependencies.items()},
            )
        )
        answer = json_format.ParseDict(to_wire({**inputs, **created.outputs}), struct_pb2.Struct())
        return resource_pb2.RegisterResourceResponse(urn=urn, id=created.id, object=answer)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 -- the name of the RPC
        urn = self._urn(request)
        self._keep(
            PlannedResource(
                type=request.type,
                name=request.name,
                urn=urn,
                id=request.id,
                inputs=from_wire(json_format.MessageToDict(request.properties)),
                parent=_component(request.parent),
                provider=_provider(request),
                read=True,
                dependencies=frozenset(request.dependencies),
            )
        )
        read = request.properties
        if (request.type, request.id) == (STACK_REFERENCE, f"{_ORGANIZATION}/{self.project}/{self.stack}"):
            told = {"name": request.id, "outputs": to_wire(self._before), "secretOutputNames": []}
            read = json_format.ParseDict(told, struct_pb2.Struct())
        return resource_pb2.ReadResourceResponse(urn=urn, id=request.id, properties=read)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 -- the name of the RPC
        self.faults.append(f"the program asks a cloud: {request.tok}")
        return resource_pb2.ResourceInvokeResponse()

    def _urn(self, request: Any) -> str:
        parent = request.parent.split("::")[2] + "$" if request.parent and STACK not in request.parent else ""
        return f"urn:pulumi:{self.stack}::{self.project}::{parent}{request.type}::{request.name}"

    def _created(self, request: Any, inputs: Mapping[str, Any]) -> CreateResponse:
        """Return what the cloud of the resource's provider answers."""
        provider = self._providers.get(_provider(request), {})
        return self._cloud(CreateRequest(self.stack, request.type, request.name, inputs, provider))

    def _keep(self, resource: PlannedResource) -> None:
        with self._lock:
            if resource.urn in self._options:
                self.faults.append(f"two resources have the URN {resource.urn}")
            self.rendered.resources.append(resource)
            self._options[resource.urn] = {
                "protect": resource.protect,
                "retainOnDelete": resource.retain_on_delete,
            }
            if resource.is_provider:
                self._providers[resource.urn] = unsealed(resource.inputs)

    def _inherited(self, request: Any, option: str) -> bool:
        """Return what the engine would take for an option: a child's own word, else its parent's."""
        if request.HasField(option):
            return bool(getattr(request, option))
        return self._options.get(request.parent, {}).get(option, False)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 -- the name of the RPC
        if f"::{STACK}::" in request.urn:
            self.rendered.outputs.update(from_wire(json_format.MessageToDict(request.outputs)))
        return empty_pb2.Empty()


def _component(parent: str) -> str:
    """Return a parent's URN, nothing where it is the stack, which is everybody's."""
    return "" if f"::{STACK}::" in parent else parent


def _provider(request: Any) -> str:
    """Return the URN of a resource's provider, which the SDK sends with the provider's id behind it."""
    urn: str = request.provider.rpartition("::")[0]
    return urn


def _named_in(dependencies: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(urn for group in dependencies.values() for urn in group.urns)
