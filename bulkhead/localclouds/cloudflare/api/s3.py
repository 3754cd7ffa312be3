"""R2's S3 API: takes what is signed with a token of the account, and passes it on to the Miniflare of its bucket.

R2 takes any token for S3: the key's id is the token's, its secret the SHA-256 of the token (R2 documentation,
"Authentication"). Miniflare knows one pair of keys for all, so what comes in is verified here and signed anew. What a
caller may do is said by the token; errors are R2's own, as XML.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from bulkhead.localclouds.api.app import Api, Told, caller_of
from bulkhead.localclouds.api.faults import FaultPlan
from bulkhead.localclouds.api.journal import Journal
from bulkhead.localclouds.cloudflare.api.call import Cloudflare
from bulkhead.localclouds.cloudflare.api.credentials import CLOUD, Credential, Credentials
from bulkhead.localclouds.cloudflare.request import ask
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t
from bulkhead.resources.token_policies import Target, admits
from jobs.r2.endpoint import LOCAL as PREFIX

ENDPOINT: Final = f"{PREFIX}/{{account_id}}"
TEMPLATE: Final = f"{ENDPOINT}/{{object:path}}"
_SIGNED: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^,]+)/(?P<day>\d{8})/(?P<region>[\w-]+)/s3/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_log = logging.getLogger(__name__)
_CLOCK: Final = "%Y%m%dT%H%M%SZ"
_SKEW: Final = 15 * 60  # seconds by which the clocks of both sides may differ
_SOURCE: Final = "x-amz-copy-source"
_PAYLOAD: Final = "x-amz-content-sha256"
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
# What is between two neighbours only, or was true of the other signature.
_HOP: Final = frozenset(
    {"authorization", "connection", "content-length", "date", "expect", "host", "server", "transfer-encoding"}
)
_READING: Final = frozenset({"GET", "HEAD"})
_READ: Final = frozenset({"Workers R2 Storage Read", "Workers R2 Storage Bucket Item Read"})
_WRITE: Final = frozenset({"Workers R2 Storage Write", "Workers R2 Storage Bucket Item Write"})


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def response(self) -> Response:
        body = f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>"
        return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', self.status, media_type="application/xml")


class S3(Api):
    """Answers the requests of S3 clients that use ``PREFIX/ACCOUNT`` as their endpoint, path style."""

    def __init__(self, cloud: Cloudflare, credentials: Credentials, journal: Journal, faults: FaultPlan) -> None:
        super().__init__(CLOUD, journal, faults)
        self._cloud = cloud
        self._credentials = credentials

    async def answer(self, request: Request) -> Response:
        return await self.pass_through(request, TEMPLATE, partial(self._answer, request))

    def failed(self, request: Request, status: int, why: str) -> Response:
        return _Refused(status, "InternalError", why).response()

    def _answer(self, request: Request, body: bytes, told: Told) -> Response:
        told.resource = bucket = _bucket(request)
        try:
            credential = self._verified(request, body)
            told.who = credential.name
            _require_permission(credential, request.method, bucket)
            if (source := request.headers.get(_SOURCE)) is not None:
                _require_permission(credential, "GET", unquote(source).lstrip("/").partition("/")[0])
            _require_possible(request)
            return self._passed_on(request, body, self._environment(credential, bucket))
        except _Refused as refused:
            told.code = refused.code
            return refused.response()

    def _verified(self, request: Request, body: bytes) -> Credential:
        """Return whose token has signed a request. Raises _Refused."""
        signed = _SIGNED.fullmatch(request.headers.get("authorization", ""))
        if signed is None:
            raise _Refused(400, "InvalidArgument", "the local Cloudflare takes requests with a signed header only")
        found = self._credentials.with_id(request.path_params["account_id"], signed["id"])
        if found is None:
            raise _Refused(401, "Unauthorized", "Unauthorized")
        credential, token = found
        if not admits(credential.condition, caller_of(request)):
            raise _Refused(403, "AccessDenied", "Access Denied")
        moment = request.headers.get("x-amz-date", "")
        _require_recent(moment, signed["day"])
        headers = {name: request.headers.get(name, "") for name in signed["headers"].split(";")}
        secret = hashlib.sha256(token.encode()).hexdigest()
        expected = _signature(request, headers, moment, (signed["id"], secret, signed["region"]))
        if not hmac.compare_digest(expected, signed["signature"]):
            message = "The request signature we calculated does not match the signature you provided."
            raise _Refused(403, "SignatureDoesNotMatch", message)
        payload = request.headers.get(_PAYLOAD, "")
        if payload.startswith("STREAMING"):
            raise _Refused(501, "NotImplemented", f"the local Cloudflare does not take bodies in chunks ({payload})")
        if payload not in {_UNSIGNED, hashlib.sha256(body).hexdigest()}:
            raise _Refused(400, "BadDigest", f"{_PAYLOAD} is not of this body")
        return credential

    def _environment(self, credential: Credential, bucket: str) -> str:
        """Return where a bucket is; a list of all of them is asked for where the account is."""
        if not bucket:
            return credential.tenant.environment
        for record in self._cloud.resources.store.all(type_=t.R2_BUCKET):
            if record.account == credential.account and _is_here(record, bucket):
                return record.environment
        raise _Refused(404, "NoSuchBucket", "The specified bucket does not exist.")

    def _passed_on(self, request: Request, body: bytes, environment: str) -> Response:
        access = self._cloud.stage(environment).s3()
        endpoint = urlsplit(access.endpoint)
        raw: bytes = request.scope["raw_path"]
        path = endpoint.path + raw.decode().removeprefix(f"{PREFIX}/{request.path_params['account_id']}")
        query = request.scope["query_string"].decode()
        target = f"{path}?{query}" if query else path
        headers = {name: value for name, value in request.headers.items() if name not in _HOP}
        keys = (access.access_key_id, access.secret_access_key)
        signed = _signed(request.method, f"http://{endpoint.netloc}{target}", headers, body, keys)
        answer = ask(endpoint.netloc, request.method, target, signed, body)
        kept = {name: value for name, value in answer.headers.items() if name not in _HOP}
        if request.method == "HEAD" and "content-length" in answer.headers:
            kept["content-length"] = answer.headers["content-length"]
        return Response(answer.body, answer.status, kept)


def _bucket(request: Request) -> str:
    return _object(request).partition("/")[0]


def _object(request: Request) -> str:
    """Return bucket and key; "" at the endpoint itself, which lists buckets."""
    return str(request.path_params.get("object", ""))


def _is_here(record: Record, bucket: str) -> bool:
    """Whether a bucket has a name; those of other jurisdictions have other endpoints."""
    return bool(record.outputs["name"] == bucket and record.outputs["jurisdiction"] == "default")


def _require_permission(credential: Credential, method: str, bucket: str) -> None:
    needed = _READ | _WRITE if method in _READING else _WRITE
    if not credential.has_one_of(needed, Target(account=credential.account, bucket=bucket)):
        raise _Refused(403, "AccessDenied", "Access Denied")


def _require_possible(request: Request) -> None:
    """Refuse what R2 does and Miniflare cannot."""
    bucket, *key = _object(request).split("/")
    if request.method == "PUT" and bucket and not "".join(key) and not request.scope["query_string"]:
        raise _Refused(501, "NotImplemented", "the local Cloudflare makes buckets by Cloudflare's own API only")
    if {".", ".."} & {*key}:
        raise _Refused(501, "NotImplemented", "the local Cloudflare takes no keys with the part . or .. by S3")


def _require_recent(moment: str, day: str) -> None:
    try:
        at = datetime.strptime(moment, _CLOCK).replace(tzinfo=UTC)
    except ValueError:
        raise _Refused(400, "InvalidArgument", "x-amz-date is missing, or is no moment") from None
    if not moment.startswith(day) or abs((datetime.now(UTC) - at).total_seconds()) > _SKEW:
        raise _Refused(403, "RequestTimeTooSkewed", "The difference between the request time and ours is too large.")


def _signature(request: Request, headers: Mapping[str, str], moment: str, keys: tuple[str, str, str]) -> str:
    """Return the signature that a request should have; ``keys`` are id, secret and region."""
    raw, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    signer, request_ = _aws(request.method, f"{request.base_url}".rstrip("/") + f"{raw}?{query}", headers, None, keys)
    request_.context["timestamp"] = moment
    signature: str = signer.signature(signer.string_to_sign(request_, signer.canonical_request(request_)), request_)
    return signature


def _signed(method: str, url: str, headers: Mapping[str, str], body: bytes, keys: tuple[str, str]) -> dict[str, str]:
    """Return the headers of a request with a new signature, of those that Miniflare does not change before it looks."""
    plain = {name: value for name, value in headers.items() if name not in {"x-amz-date", _PAYLOAD}}
    kept = {name: value for name, value in plain.items() if name.startswith(("x-amz-", "content-"))}
    signer, request = _aws(method, url, kept, body, (*keys, "auto"))
    signer.add_auth(request)
    return {**plain, **dict(request.headers.items())}


def _aws(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, keys: tuple[str, str, str]
) -> tuple[Any, Any]:
    """Return botocore's signer and its form of a request; importing it takes longer than most tests."""
    from botocore.auth import S3SigV4Auth  # noqa: PLC0415
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.credentials import Credentials as Keys  # noqa: PLC0415

    id_, secret, region = keys
    return S3SigV4Auth(Keys(id_, secret), "s3", region), AWSRequest(method, url, dict(headers), body)
