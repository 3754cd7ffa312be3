"""The gRPC face of the local clouds: one port serves the packages cloudflare, aws and github to any number of engines.

The engine opens a connection for each provider resource of each stack and configures it once, so the peer of a
connection identifies the caller. Protocol: `pulumi/proto/pulumi/provider.proto`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from bulkhead.engine.plugins import sdk_version
from bulkhead.localclouds.providers import planning
from bulkhead.localclouds.providers.diff import ChangeKind, Difference
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller, Properties
from bulkhead.localclouds.providers.past import inputs_before, without_notes
from bulkhead.localclouds.providers.registry import NotRehearsed, package_of
from bulkhead.localclouds.providers.schema import PACKAGES
from bulkhead.localclouds.providers.wire import decode, encode

_log = logging.getLogger(__name__)

# Sixteen resources of each of three stages at once, the engine's default, and each may wait for a local cloud.
_THREADS: Final = 48
_MEGABYTE: Final = 1024 * 1024
_OPTIONS: Final = [
    ("grpc.max_receive_message_length", 400 * _MEGABYTE),  # as the engine's own
    ("grpc.max_send_message_length", 400 * _MEGABYTE),
]
_KINDS: Final = {
    ChangeKind.ADDED: provider_pb2.PropertyDiff.ADD,
    ChangeKind.REMOVED: provider_pb2.PropertyDiff.DELETE,
    ChangeKind.CHANGED: provider_pb2.PropertyDiff.UPDATE,
}
_REPLACING: Final = {
    ChangeKind.ADDED: provider_pb2.PropertyDiff.ADD_REPLACE,
    ChangeKind.REMOVED: provider_pb2.PropertyDiff.DELETE_REPLACE,
    ChangeKind.CHANGED: provider_pb2.PropertyDiff.UPDATE_REPLACE,
}

Method = TypeVar("Method", bound=Callable[..., Any])


def _answering(method: Method) -> Method:
    """Refusals become the message that the engine shows; an unexpected exception is logged, and reported as a fault of
    this server."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except (ApiRefusal, NotRehearsed) as refusal:
            message = str(refusal)
        except Exception as fault:
            _log.exception("%s failed", method.__name__)
            message = f"a fault of the rehearsal itself in {method.__name__} (see clouds.log): {type(fault).__name__}"
        return context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)

    return answer  # type: ignore[return-value] # the same signature


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine. ``welcome`` is called with each provider that is configured, before it is answered."""

    def __init__(self, clouds: Dispatch, welcome: Callable[[Caller], None] = lambda _caller: None) -> None:
        self._clouds = clouds
        self._welcome = welcome
        self._callers: dict[str, Caller] = {}

    def Handshake(self, _request: Any, _context: grpc.ServicerContext) -> provider_pb2.ProviderHandshakeResponse:  # noqa: N802 - gRPC's names
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, _request: Any, _context: grpc.ServicerContext) -> Empty:  # noqa: N802
        return Empty()

    def Cancel(self, _request: Any, _context: grpc.ServicerContext) -> Empty:  # noqa: N802
        return Empty()

    def GetPluginInfo(self, _request: Any, _context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        """The engine calls this before it names the package, and warns if the answer is older than that package's SDK;
        so this returns the newest of the three versions."""
        return plugin_pb2.PluginInfo(version=max(map(sdk_version, PACKAGES), key=_numbers))

    @_answering
    def CheckConfig(self, request: Any, _context: grpc.ServicerContext) -> provider_pb2.CheckResponse:  # noqa: N802
        package, news = package_of(_type(request.urn)), decode(request.news)
        faults = planning.check_provider(package, planning.provider_config(package, news.values))
        return provider_pb2.CheckResponse(inputs=encode(news.values, news.secrets), failures=_failures(faults))

    @_answering
    def DiffConfig(self, request: Any, _context: grpc.ServicerContext) -> provider_pb2.DiffResponse:  # noqa: N802
        old, new = _compared(request)
        return _changes(without_notes(old) != without_notes(new))

    @_answering
    def Configure(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.ConfigureResponse:  # noqa: N802
        package = package_of(_type(request.urn))
        caller = Caller(_stack(request.urn), package, planning.provider_config(package, decode(request.args).values))
        self._welcome(caller)
        self._callers[context.peer()] = caller
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_answering
    def Invoke(self, request: Any, _context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:  # noqa: N802
        raise NotRehearsed(request.tok)

    @_answering
    def Check(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:  # noqa: N802
        news = decode(request.news)
        inputs, faults = planning.check(_type(request.urn), news.values, self._caller(context).config)
        return provider_pb2.CheckResponse(inputs=encode(inputs, news.secrets), failures=_failures(faults))

    @_answering
    def Diff(self, request: Any, _context: grpc.ServicerContext) -> provider_pb2.DiffResponse:  # noqa: N802
        token = _type(request.urn)
        old, new = _compared(request, token)
        found = planning.diff(token, old, new)
        response = _changes(bool(found))
        response.hasDetailedDiff = True
        response.deleteBeforeReplace = planning.deletes_first(token, old, new)
        for difference in found:
            response.detailedDiff[difference.path].CopyFrom(_property_diff(difference))
        response.diffs.extend(sorted({difference.property for difference in found}))
        response.replaces.extend(sorted({difference.property for difference in found if difference.forces_new}))
        return response

    @_answering
    def Create(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:  # noqa: N802
        token, inputs = _type(request.urn), decode(request.properties)
        if request.preview:
            foreseen = planning.foresee(token, inputs.values)
            return provider_pb2.CreateResponse(properties=encode(foreseen, inputs.secrets))
        record = self._clouds.create(self._caller(context), token, request.urn, inputs.values)
        return provider_pb2.CreateResponse(id=record.id, properties=encode(record.outputs, inputs.secrets))

    @_answering
    def Read(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:  # noqa: N802
        token = _type(request.urn)
        # To refresh, the engine sends what it knows; to import, nothing.
        inputs, properties = decode(request.inputs), decode(request.properties)
        record = self._clouds.read(self._caller(context), token, request.id, properties.values, inputs.values)
        if record is None:
            return provider_pb2.ReadResponse()
        known = inputs.secrets | properties.secrets
        return provider_pb2.ReadResponse(
            id=record.id,
            inputs=encode(record.inputs, known | planning.always_secret(token, record.inputs)),
            properties=encode(record.outputs, known | planning.always_secret(token, record.outputs)),
        )

    @_answering
    def Update(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:  # noqa: N802
        token, news = _type(request.urn), decode(request.news)
        if request.preview:
            foreseen = planning.foresee(token, news.values, decode(request.olds).values)
            return provider_pb2.UpdateResponse(properties=encode(foreseen, news.secrets))
        olds = decode(request.olds).values
        record = self._clouds.update(self._caller(context), token, request.id, olds, news.values)
        return provider_pb2.UpdateResponse(properties=encode(record.outputs, news.secrets))

    @_answering
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        known = decode(request.properties).values
        self._clouds.delete(self._caller(context), _type(request.urn), request.id, known)
        return Empty()

    def _caller(self, context: grpc.ServicerContext) -> Caller:
        return self._callers[context.peer()]


class ProviderServer:
    """The servicer on a free port of 127.0.0.1."""

    def __init__(self, servicer: ProviderServicer) -> None:
        self._server = grpc.server(ThreadPoolExecutor(_THREADS, "provider"), options=_OPTIONS)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, self._server)
        self.port: int = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @property
    def ports(self) -> dict[str, int]:
        """The port of each package, as an engine is told it (`bulkhead.engine.environment.attached`)."""
        return dict.fromkeys(PACKAGES, self.port)

    def stop(self) -> None:
        """End the server; calls under way are cut off."""
        self._server.stop(grace=None).wait()


def _compared(request: Any, token: str | None = None) -> tuple[Properties, Properties]:
    """Return the old and the new inputs of a request to compare them; ``token`` is the type of a resource."""
    new, unordered = decode(request.news), frozenset[str]()
    if token is not None:
        new = replace(new, secrets=new.secrets | planning.always_secret(token, new.values))
        unordered = planning.unordered(token)
    return inputs_before(decode(request.old_inputs), decode(request.olds).values, new, unordered), new.values


def _stack(urn: str) -> str:
    return urn.split("::", maxsplit=1)[0].removeprefix("urn:pulumi:")


def _type(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _failures(faults: Iterable[str]) -> list[provider_pb2.CheckFailure]:
    """The path is part of the reason and not a field of its own: for a named property the engine prints the value,
    even a secret."""
    return [provider_pb2.CheckFailure(reason=fault) for fault in faults]


def _changes(some: bool) -> provider_pb2.DiffResponse:
    kind = provider_pb2.DiffResponse.DIFF_SOME if some else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(changes=kind)


def _property_diff(difference: Difference) -> provider_pb2.PropertyDiff:
    kinds = _REPLACING if difference.forces_new else _KINDS
    return provider_pb2.PropertyDiff(kind=kinds[difference.change], inputDiff=True)
