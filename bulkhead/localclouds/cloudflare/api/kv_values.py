"""The routes of what is in a KV namespace.

Limits: KV documentation, "Limits" and "Write key-value pairs". Codes: alchemy-run/distilled, which types what the API
answered, and the API's own texts of them.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.responses import Response

from bulkhead.localclouds.cloudflare.api import forms
from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.kv import NAMESPACE, namespace_of
from bulkhead.localclouds.cloudflare.contents import KvValues, Pair, Value

_KEY: Final = "{key_name:path}"  # a key may have slashes
_LONGEST_KEY: Final = 512
_LARGEST_VALUE: Final = 25 * 1024 * 1024
_LARGEST_METADATA: Final = 1024
_SHORTEST_LIFE: Final = 60  # seconds
_LAST_SECOND: Final = 2**31 - 1  # that workerd takes
_MOST_WRITTEN: Final = 10_000
_MOST_READ: Final = 100
_PAGE: Final = range(10, 1001)
_NO_KEY: Final = 10009
_BAD_BODY: Final = 10012
_TOO_LARGE: Final = 10024
_BAD_LIMIT: Final = 10028
_BAD_LIFE: Final = 10034
_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")
_PAIR: Final = {"key", "value", "base64", "expiration", "expiration_ttl", "metadata"}


def _values(call: Call) -> KvValues:
    """Return what is in the path's namespace. Raises Refusal."""
    namespace = namespace_of(call)
    return KvValues(call.stage_of(namespace), namespace.id)


def _value(call: Call) -> Value:
    key = _key(call.path["key_name"])
    found = _values(call).read(key)
    if found is None:
        raise Refusal(404, (_NO_KEY, "get: 'key not found'"))
    return found


def _keys(call: Call) -> Result:
    limit = _whole("limit", call.query.get("limit", "1000"), _BAD_LIMIT)
    if limit not in _PAGE:
        raise Refusal(400, (_BAD_LIMIT, f"limit: must be from {_PAGE[0]} to {_PAGE[-1]}"))
    page = _values(call).page(call.query.get("prefix", ""), limit, call.query.get("cursor") or None)
    return Result(page.items, {"count": len(page.items), "cursor": page.cursor or ""})


def _read(call: Call) -> Response:
    found = _value(call)
    headers = {} if found.expiration is None else {"expiration": str(found.expiration)}
    return Response(found.content, media_type="application/octet-stream", headers=headers)


def _metadata(call: Call) -> Result:
    return Result(_value(call).metadata)


def _write(call: Call) -> Result:
    given: dict[str, Any] = {name: call.query[name] for name in ("expiration", "expiration_ttl") if name in call.query}
    value = call.body
    if call.headers.get("content-type", "").startswith("multipart/form-data"):
        value, described = _of_form(call)
        given |= described
    pair = _pair(call.path["key_name"], value, given)
    _values(call).write([pair])
    return Result({})


def _of_form(call: Call) -> tuple[bytes, dict[str, Any]]:
    """Return the value, and the metadata if there is any."""
    try:
        parts = {part.name: part.content for part in forms.read(call.headers["content-type"], call.body)}
    except forms.NoForm as fault:
        raise Refusal(400, (_BAD_BODY, str(fault))) from None
    if not {"value"} <= parts.keys() <= {"value", "metadata"}:
        raise Refusal(400, (_BAD_BODY, "the form has the parts value and, if wanted, metadata"))
    return parts["value"], {name: _json_of(parts[name]) for name in parts if name == "metadata"}


def _delete(call: Call) -> Result:
    key = _key(call.path["key_name"])
    _values(call).remove([key])
    return Result({})


def _write_many(call: Call) -> Result:
    items = _bounded(call.json_list(), _MOST_WRITTEN)
    pairs = []
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not {"key", "value"} <= item.keys() <= _PAIR:
            raise Refusal(400, (_BAD_BODY, f"[{index}]: an item has key and value, and of {', '.join(sorted(_PAIR))}"))
        if not isinstance(item["key"], str) or not isinstance(item["value"], str):
            raise Refusal(400, (_BAD_BODY, f"[{index}]: key and value must be text"))
        pairs.append(_pair(item["key"], _value_of(item), item))
    _values(call).write(pairs)
    return _done(len(pairs))


def _delete_many(call: Call) -> Result:
    keys = _texts(_bounded(call.json_list(), _MOST_WRITTEN))
    _values(call).remove(keys)
    return _done(len(keys))


def _read_many(call: Call) -> Result:
    body = call.json()
    if not {"keys"} <= body.keys() <= {"keys", "type", "withMetadata"} or not isinstance(body["keys"], list):
        raise Refusal(400, (_BAD_BODY, "the body has keys and, if wanted, type and withMetadata"))
    read = {"text": lambda value: value.decode(errors="replace"), "json": _json_of}.get(body.get("type", "text"))
    if read is None:
        raise Refusal(400, (_BAD_BODY, "type: must be text or json"))
    keys, values = _texts(_bounded(body["keys"], _MOST_READ)), _values(call)
    return Result({"values": {key: _shown(values.read(key), read, body.get("withMetadata") is True) for key in keys}})


def _shown(found: Value | None, read: Callable[[bytes], Any], described: bool) -> Any:
    if found is None:
        return None
    if not described:
        return read(found.content)
    expiring = {} if found.expiration is None else {"expiration": found.expiration}
    return {"value": read(found.content), "metadata": found.metadata, **expiring}


def _pair(key: str, value: bytes, given: Mapping[str, Any]) -> Pair:
    """Return what is to be written. Raises Refusal where KV would."""
    _key(key)
    if len(value) > _LARGEST_VALUE:
        raise Refusal(413, (_TOO_LARGE, f"Value length of {len(value)} exceeds limit of {_LARGEST_VALUE}."))
    options: dict[str, Any] = {}
    if given.get("metadata") is not None:
        options["metadata"] = given["metadata"]
        if len(json.dumps(given["metadata"], separators=(",", ":")).encode()) > _LARGEST_METADATA:
            raise Refusal(413, (_TOO_LARGE, f"metadata: must have at most {_LARGEST_METADATA} bytes"))
    if given.get("expiration_ttl") is not None:  # which counts where both are said
        options["expirationTtl"] = _life("expiration_ttl", given["expiration_ttl"], _SHORTEST_LIFE)
    elif given.get("expiration") is not None:
        options["expiration"] = _life("expiration", given["expiration"], int(time.time()) + _SHORTEST_LIFE)
    return Pair(key, value, options)


def _life(name: str, given: Any, least: int) -> int:
    wanted = _whole(name, given, _BAD_LIFE)
    if wanted < least:
        raise Refusal(400, (_BAD_LIFE, f"Invalid {name} of {wanted}. It must be at least {_SHORTEST_LIFE} seconds."))
    until = wanted if name == "expiration" else int(time.time()) + wanted
    if until > _LAST_SECOND:
        raise Refusal(400, (_BAD_LIFE, f"{name}: the local Cloudflare keeps no value beyond 2038; leave it out"))
    return wanted


def _value_of(item: Mapping[str, Any]) -> bytes:
    text: str = item["value"]
    if not item.get("base64"):
        return text.encode()
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise Refusal(400, (_BAD_BODY, f"{item['key']}: value is no base64")) from None


def _whole(name: str, given: Any, code: int) -> int:
    if type(given) is int:
        return given
    if not isinstance(given, str) or _WHOLE.fullmatch(given) is None:
        raise Refusal(400, (code, f"{name}: must be a whole number"))
    return int(given)


def _json_of(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise Refusal(400, (_BAD_BODY, "is no JSON")) from None


def _bounded(items: list[Any], most: int) -> list[Any]:
    if not 0 < len(items) <= most:
        raise Refusal(400, (_BAD_BODY, f"a call is about 1 to {most} keys, not {len(items)}"))
    return items


def _texts(keys: list[Any]) -> list[str]:
    if not all(isinstance(key, str) for key in keys):
        raise Refusal(400, (_BAD_BODY, "keys must be text"))
    return [_key(key) for key in keys]


def _key(key: str) -> str:
    """Return a key. Raises Refusal for what is none."""
    if not 0 < len(key.encode()) <= _LONGEST_KEY or key in {".", ".."}:
        raise Refusal(414, (UNKNOWN_CODE, f"key: must have 1 to {_LONGEST_KEY} bytes, and be neither . nor .."))
    return key


def _done(count: int) -> Result:
    return Result({"successful_key_count": count, "unsuccessful_keys": []})


ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", f"{NAMESPACE}/keys", _keys, "namespace_id"),
    Route("GET", f"{NAMESPACE}/values/{_KEY}", _read, "namespace_id"),
    Route("PUT", f"{NAMESPACE}/values/{_KEY}", _write, "namespace_id"),
    Route("DELETE", f"{NAMESPACE}/values/{_KEY}", _delete, "namespace_id"),
    Route("GET", f"{NAMESPACE}/metadata/{_KEY}", _metadata, "namespace_id"),
    Route("PUT", f"{NAMESPACE}/bulk", _write_many, "namespace_id"),
    Route("DELETE", f"{NAMESPACE}/bulk", _delete_many, "namespace_id"),
    Route("POST", f"{NAMESPACE}/bulk/delete", _delete_many, "namespace_id"),
    Route("POST", f"{NAMESPACE}/bulk/get", _read_many, "namespace_id"),
)
