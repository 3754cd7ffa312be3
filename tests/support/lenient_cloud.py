"""A cloud that makes whatever it is asked for: what the policies say is to be seen, not what an API would refuse."""

from __future__ import annotations

from typing import Any

from pulumi.runtime.proto import plugin_pb2, provider_pb2

from tests.support.toy_cloud import ToyCloud


class LenientCloud(ToyCloud):
    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        return plugin_pb2.PluginInfo(version="999.0.0")  # newer than any SDK asks for

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        self.created.append(request.urn)
        self.things[request.urn] = id_ = f"made-{len(self.created)}"
        self._properties[id_] = request.properties
        return provider_pb2.CreateResponse(id=id_, properties=request.properties)
