"""A cloud with one kind of thing in it, spoken to as the engine speaks to any provider."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

PACKAGE = "toy"


class Thing(pulumi.CustomResource):
    """A resource of the toy cloud. A ``slow`` one is made only when `ToyCloud.go_on` is set."""

    def __init__(self, name: str, size: int, *, slow: bool = False, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("toy:index:Thing", name, {"size": size, "slow": slow}, opts)


class ToyCloud(provider_pb2_grpc.ResourceProviderServicer):
    """What exists is in ``things`` (URN to id); ``created`` holds the URN of every creation, in order."""

    def __init__(self) -> None:
        self.things: dict[str, str] = {}
        self._properties: dict[str, Any] = {}
        self.created: list[str] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version="1.0.0")

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        same = json_format.MessageToDict(request.olds) == json_format.MessageToDict(request.news)
        kind = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=kind)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        size = json_format.MessageToDict(request.properties)["size"]
        if size < 0:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a thing cannot be smaller than nothing")
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        self.created.append(request.urn)
        self.things[request.urn] = id_ = f"thing-{len(self.created)}"
        self._properties[id_] = request.properties
        self.begun.set()
        if request.properties["slow"]:
            self.go_on.wait(100)  # far longer than a busy machine takes to come to the point
        return provider_pb2.CreateResponse(id=id_, properties=request.properties)

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.id not in self.things.values():
            return provider_pb2.ReadResponse()
        properties = self._properties.get(request.id, request.properties)
        return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=properties)

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._properties[request.id] = request.news
        return provider_pb2.UpdateResponse(properties=request.news)

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.things = {urn: id_ for urn, id_ in self.things.items() if id_ != request.id}
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


@contextmanager
def serving(cloud: ToyCloud) -> Iterator[int]:
    """Serve the cloud on a free port of 127.0.0.1, and yield the port."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(cloud, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        cloud.go_on.set()
        server.stop(grace=None).wait()
