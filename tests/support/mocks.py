"""Run a Pulumi program without an engine, and see everything it would have told one.

``render`` is the entry point. It differs from ``pulumi.runtime.set_mocks`` in three ways: options such as ``protect``
are recorded too, inputs are kept as they travel (a secret is still in its envelope), and each run has an event loop and
settings of its own, so runs cannot see each other.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

_ENVELOPE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_STACK: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One registered resource. ``wire`` holds the inputs as sent (camelCase), secrets in their envelopes; ``sources``
    are the URNs that each input's value comes from."""

    type: str
    name: str
    urn: str
    parent: str
    custom: bool
    provider: str
    wire: Mapping[str, Any]
    protect: bool
    retain_on_delete: bool
    delete_before_replace: bool
    ignore_changes: tuple[str, ...]
    dependencies: frozenset[str]
    sources: Mapping[str, tuple[str, ...]]

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs as the provider sees them: secrets taken out of their envelopes."""
        revealed: dict[str, Any] = reveal(self.wire)
        return revealed

    @property
    def is_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:")


@dataclass(slots=True)
class Rendered:
    """Everything a program registered, what it exported, and its warnings and errors."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def of(self, cls: type[pulumi.Resource] | str) -> list[Recorded]:
        """Return the resources of one class, or of one type token."""
        token = cls if isinstance(cls, str) else type_token(cls)
        return [resource for resource in self.resources if resource.type == token]

    def one(self, cls: type[pulumi.Resource] | str, name: str | None = None) -> Recorded:
        """Return the only resource of this class (and logical name)."""
        found = [resource for resource in self.of(cls) if name is None or resource.name == name]
        assert len(found) == 1, f"{cls} {name}: {[resource.name for resource in found]}"
        return found[0]

    def before(self, resource: Recorded) -> set[str]:
        """Return the URNs of everything that must exist before ``resource``, directly or through others."""
        by_urn = {other.urn: other for other in self.resources}
        reached: set[str] = set()
        waiting = set(resource.dependencies)
        while waiting:
            urn = waiting.pop()
            if urn not in reached and urn in by_urn:
                reached.add(urn)
                waiting |= by_urn[urn].dependencies
        return reached


def type_token(cls: type[pulumi.Resource]) -> str:
    token = cls.pulumi_type  # type: ignore[attr-defined]
    assert isinstance(token, str)
    return token


def reveal(value: Any) -> Any:
    """Return ``value`` with every secret taken out of its envelope."""
    if isinstance(value, Mapping):
        return reveal(value["value"]) if is_secret(value) else {key: reveal(item) for key, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(_ENVELOPE) == _SECRET


def in_the_open(value: Any) -> Iterator[str]:
    """Yield every text of ``value`` that is in no secret's envelope."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from in_the_open(item)
    elif isinstance(value, Mapping) and not is_secret(value):
        for item in value.values():
            yield from in_the_open(item)


def render(
    program: Callable[[], object], stack: str, *, computed: Callable[[str, str], dict[str, Any]] | None = None
) -> Rendered:
    """Run ``program`` as stack ``stack`` and return what it registered and exported. Exceptions come through."""
    rendered = Rendered()
    context = contextvars.copy_context()
    # The SDK tells the engine the whole call stack of every resource: below pytest that is sixty frames, here fifteen.
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(context.run, _run, program, stack, rendered, computed or computed_outputs).result()
    return rendered


def computed_outputs(token: str, name: str) -> dict[str, Any]:
    """Return what a cloud would compute for a resource, as far as programs use it."""
    kind = token.rsplit(":", 1)[-1]
    match kind:
        case "Queue":
            return {"queueId": f"{name}-queue-id"}
        case "Key":
            return {"keyId": f"{name}-key-id", "arn": f"arn:aws:kms:ap-northeast-1:000000000000:key/{name}"}
        case "Topic":
            return {"arn": f"arn:aws:sns:ap-northeast-1:000000000000:{name}"}
        case "Bucket":
            return {"arn": f"arn:aws:s3:::{name}"}
        case _:
            return {}


def _run(
    program: Callable[[], object], stack: str, rendered: Rendered, computed: Callable[[str, str], dict[str, Any]]
) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_main(program, stack, rendered, computed))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


async def _main(
    program: Callable[[], object], stack: str, rendered: Rendered, computed: Callable[[str, str], dict[str, Any]]
) -> None:
    monitor = _Monitor(stack, rendered, computed)
    information = monitor.GetDeploymentInfo(empty_pb2.Empty())  # type: ignore[no-untyped-call]
    configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(information.supportedFeatures),
            engine=_Engine(rendered),
            project="bulkhead",
            stack=stack,
            dry_run=False,
            organization="organization",
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
    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(f"the program asks a cloud: {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError("resources are answered by the monitor itself")


class _Monitor(mocks.MockMonitor):
    """Answers from the thread it is called on, without an event loop there: one left open would be a warning."""

    def __init__(self, stack: str, rendered: Rendered, computed: Callable[[str, str], dict[str, Any]]) -> None:
        super().__init__(_NoMocks())
        self._stack = stack
        self._rendered = rendered
        self._computed = computed
        self._lock = threading.Lock()
        self._options: dict[str, dict[str, bool]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 -- the name of the RPC
        parent = request.parent.split("::")[2] + "$" if request.parent and _STACK not in request.parent else ""
        urn = f"urn:pulumi:{self._stack}::bulkhead::{parent}{request.type}::{request.name}"
        if request.type == _STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        wire = json_format.MessageToDict(request.object)
        recorded = Recorded(
            type=request.type,
            name=request.name,
            urn=urn,
            parent=request.parent,
            custom=request.custom,
            provider=request.provider,
            wire=wire,
            protect=self._inherited(request, "protect"),
            retain_on_delete=self._inherited(request, "retainOnDelete"),
            delete_before_replace=request.deleteBeforeReplace,
            ignore_changes=tuple(request.ignoreChanges),
            dependencies=frozenset(request.dependencies) | _named_in(request.propertyDependencies),
            sources={name: tuple(group.urns) for name, group in request.propertyDependencies.items()},
        )
        with self._lock:
            assert urn not in self._options, f"two resources have the URN {urn}"
            self._rendered.resources.append(recorded)
            self._options[urn] = {"protect": recorded.protect, "retainOnDelete": recorded.retain_on_delete}
        id_ = f"{self._stack}-{request.name}-id" if request.custom else ""
        outputs = {**wire, **self._computed(request.type, request.name)}
        answer = json_format.ParseDict(outputs, struct_pb2.Struct())
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=answer)

    def _inherited(self, request: Any, option: str) -> bool:
        """Return what the engine would take for an option: a child's own word, else its parent's."""
        if request.HasField(option):
            return bool(getattr(request, option))
        return self._options.get(request.parent, {}).get(option, False)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 -- the name of the RPC
        if f"::{_STACK}::" in request.urn:
            self._rendered.outputs.update(json_format.MessageToDict(request.outputs))
        return empty_pb2.Empty()


def _named_in(dependencies: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(urn for group in dependencies.values() for urn in group.urns)
