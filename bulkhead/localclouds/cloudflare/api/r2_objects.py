"""The routes of what is in an R2 bucket. A client that needs more than single objects uses the S3 API.

Source: Cloudflare's API reference and its official client (cloudflare 5.9, `r2.buckets.objects`); codes: R2
documentation, "Error codes".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

from starlette.responses import Response

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.r2 import BUCKET, bucket_of, size_asked
from bulkhead.localclouds.cloudflare.contents import R2Objects

_OBJECT: Final = f"{BUCKET}/objects/{{object_key:path}}"  # a key may have slashes
_LONGEST_KEY: Final = 1024
_LARGEST: Final = 300 * 1024 * 1024  # R2 documentation, "Upload objects": through the REST API and wrangler
_NO_KEY: Final = 10007
_BAD_KEY: Final = 10020
_TOO_LARGE: Final = 100100
_STORAGE_CLASS: Final = "cf-r2-storage-class"
# Headers of an upload that come back with a download, by their names in R2's own interface.
_HTTP: Final = {
    "cache-control": "cacheControl",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "content-type": "contentType",
}


def _objects(call: Call) -> R2Objects:
    """Return what is in the path's bucket. Raises Refusal."""
    bucket = bucket_of(call)
    return R2Objects(call.stage_of(bucket), str(bucket.outputs["name"]))


def _key(call: Call) -> str:
    """Return the path's key. Raises Refusal for what is none."""
    key = call.path["object_key"]
    if len(key.encode()) > _LONGEST_KEY:
        raise Refusal(400, (_BAD_KEY, f"The key must have at most {_LONGEST_KEY} bytes."))
    return key


def _list(call: Call) -> Result:
    size = size_asked(call, 1000)
    wanted = {new: call.query.get(name) for name, new in _WANTED.items()}
    page = _objects(call).page(size, **wanted)
    info: dict[str, Any] = {"per_page": size, "is_truncated": page.cursor is not None}
    if page.cursor is not None:
        info["cursor"] = page.cursor
    if page.prefixes:
        info["delimited"] = list(page.prefixes)
    storage = bucket_of(call).outputs["storageClass"]
    return Result([_shown(each) | {"storage_class": storage} for each in page.items], info)


_WANTED: Final = {"prefix": "prefix", "delimiter": "delimiter", "cursor": "cursor", "start_after": "startAfter"}


def _read(call: Call) -> Response:
    key = _key(call)
    found = _objects(call).read(key)
    if found is None:
        raise Refusal(404, (_NO_KEY, "The specified key does not exist."))
    content, told = found
    headers = {header: told["httpMetadata"][name] for header, name in _HTTP.items() if name in told["httpMetadata"]}
    uploaded = datetime.fromisoformat(told["uploaded"]).replace(microsecond=0)
    headers |= {"etag": f'"{told["etag"]}"', "last-modified": format_datetime(uploaded, usegmt=True)}
    if _is_known(call.headers, headers["etag"], uploaded):
        return Response(status_code=304, headers=headers)
    return Response(content, headers={"content-type": "application/octet-stream", **headers})


def _is_known(headers: Mapping[str, str], etag: str, uploaded: datetime) -> bool:
    """Whether the caller has the object already; its ETag counts more than its date (RFC 9110, 13.1.3)."""
    if "if-none-match" in headers:
        return headers["if-none-match"].strip() in {etag, "*"}
    if "if-modified-since" not in headers:
        return False
    try:
        since = parsedate_to_datetime(headers["if-modified-since"])
    except ValueError:
        return False
    return uploaded <= (since if since.tzinfo else since.replace(tzinfo=UTC))  # -0000 says UTC, and nothing of a zone


def _write(call: Call) -> Result:
    key, bucket = _key(call), bucket_of(call)
    if len(call.body) > _LARGEST:
        raise Refusal(400, (_TOO_LARGE, f"The object has more than {_LARGEST} bytes; use the S3 API."))
    storage = str(bucket.outputs["storageClass"])
    if call.headers.get(_STORAGE_CLASS, storage) != storage:
        message = f"{_STORAGE_CLASS}: the local Cloudflare keeps all objects in the class of their bucket, {storage}"
        raise Refusal(400, (UNKNOWN_CODE, message))
    http = {name: call.headers[header] for header, name in _HTTP.items() if header in call.headers}
    told = _objects(call).write(key, call.body, {"httpMetadata": http})
    written = {name: told[name] for name in ("key", "etag", "version", "uploaded")}
    return Result({**written, "size": str(told["size"]), "storage_class": storage})


def _delete(call: Call) -> Result:
    key = _key(call)
    _objects(call).remove(key)
    return Result({"key": key})


def _shown(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": told["key"],
        "etag": told["etag"],
        "size": told["size"],
        "last_modified": told["uploaded"],
        "http_metadata": told["httpMetadata"],
        "custom_metadata": told["customMetadata"],
        "ssec": False,
    }


ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", f"{BUCKET}/objects", _list, "bucket_name"),
    Route("GET", _OBJECT, _read, "bucket_name"),
    Route("PUT", _OBJECT, _write, "bucket_name"),
    Route("DELETE", _OBJECT, _delete, "bucket_name"),
)
