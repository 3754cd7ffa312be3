"""The routes of files that signed URLs name."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from bulkhead.localclouds.cloudflare.api.answers import not_found
from bulkhead.localclouds.cloudflare.api.call import Call, Cloudflare, Route
from bulkhead.localclouds.cloudflare.api.credentials import Credential
from bulkhead.localclouds.cloudflare.api.files import PATH


def _send(call: Call) -> Response:
    call.cloud.files.put(call.path["name"], call.body)
    return Response(headers={"ETag": f'"{md5(call.body)}"'})


def _fetch(call: Call) -> Response:
    content = call.cloud.files.get(call.path["name"])
    if content is None:
        raise not_found("the file")
    return Response(content, media_type="application/octet-stream")


def _signer(cloud: Cloudflare, request: Request) -> Credential:
    signature = request.query_params.get("signature", "")
    return cloud.files.signer(request.method, request.path_params["name"], signature, cloud.clock())


def md5(content: bytes) -> str:
    """Return the ETag of a file, as R2 makes it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


ROUTES: Final = (
    Route("PUT", PATH, _send, "name", signer=_signer),
    Route("GET", PATH, _fetch, "name", signer=_signer),
)
