"""The routes of files that signed URLs name."""

from __future__ import annotations

import hashlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from bulkhead.localclouds.cloudflare.api.answers import not_found
from bulkhead.localclouds.cloudflare.api.asked import Asked, Cloudflare, Route
from bulkhead.localclouds.cloudflare.api.credentials import Credential
from bulkhead.localclouds.cloudflare.api.files import PATH


def _send(asked: Asked) -> Response:
    asked.cloud.files.put(asked.path["name"], asked.body)
    return Response(headers={"ETag": f'"{md5(asked.body)}"'})


def _fetch(asked: Asked) -> Response:
    content = asked.cloud.files.get(asked.path["name"])
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
