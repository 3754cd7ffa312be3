"""The routes of static assets: a manifest opens a session, files are sent with its token, and the token of a session
that is complete stands for the assets in the upload of a version.

Source: Workers documentation, "Direct Uploads", "Static assets", "_headers", "_redirects".
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from starlette.requests import Request

from bulkhead.localclouds.cloudflare import sites
from bulkhead.localclouds.cloudflare.api import forms
from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result
from bulkhead.localclouds.cloudflare.api.asset_sessions import Session
from bulkhead.localclouds.cloudflare.api.call import Call, Cloudflare, Route
from bulkhead.localclouds.cloudflare.api.credentials import Credential
from bulkhead.localclouds.cloudflare.api.workers import INVALID, SCRIPT
from bulkhead.localclouds.cloudflare.sites import Sites
from bulkhead.localclouds.providers.store import Record

_MOST: Final = 20_000  # files of a manifest
_LARGEST: Final = 25 * 1024 * 1024
_LONGEST_NAME: Final = 255  # bytes of a file's name, on the disks of this machine
_BUCKET: Final = 50 * 1024 * 1024  # bytes that are asked for in one request, before they are encoded
_HASH: Final = re.compile(r"[0-9a-f]{8,64}")
_NO_TYPE: Final = "application/null"  # a file that is to be served without a type
_HANDLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "html_handling": ("auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"),
    "not_found_handling": ("none", "404-page", "single-page-application"),
}
_MOST_RULES: Final = 100
_LONGEST_RULE: Final = 100
_FIRST: Final = "run_worker_first"


# Uploads


def _open(call: Call) -> Result:
    body = call.json()
    manifest = body.get("manifest")
    if body.keys() != {"manifest"} or not isinstance(manifest, dict):
        raise Refusal(400, (UNKNOWN_CODE, "the body must be {manifest: {PATH: {hash, size}}}"))
    if faults := list(_faults_of_manifest(manifest)):
        raise Refusal(400, *((UNKNOWN_CODE, fault) for fault in faults))
    known = Sites(call.uploads)
    missing = {one["hash"]: one["size"] for one in manifest.values() if known.known(one["hash"]) is None}
    hashes = {path.removeprefix("/"): one["hash"] for path, one in manifest.items()}
    token = call.cloud.sessions.open(Session(call.credential, hashes, missing), call.cloud.clock())
    return Result({"jwt": token, "buckets": list(_buckets(missing))})


def _faults_of_manifest(manifest: Mapping[str, Any]) -> Iterator[str]:
    if len(manifest) > _MOST:
        yield f"manifest: has {len(manifest)} files, and at most {_MOST} are taken"
    for path, told in manifest.items():
        if not _is_path(path):
            yield f"manifest: {path!r} is not the path of a file that can be served"
        if not isinstance(told, dict) or told.keys() != {"hash", "size"}:
            yield f"manifest.{path}: must be {{hash, size}}"
        elif not isinstance(told["hash"], str) or not _HASH.fullmatch(told["hash"]):
            yield f"manifest.{path}.hash: must be hexadecimal digits, of which there should be 32"
        elif type(told["size"]) is not int or not 0 <= told["size"] <= _LARGEST:
            yield f"manifest.{path}.size: must be a number of bytes, at most {_LARGEST}"
    for path in manifest:
        if any(str(above) in manifest for above in PurePosixPath(path).parents):
            yield f"manifest: {path} is below a file"


def _is_path(path: str) -> bool:
    root, *parts = path.split("/") if "/" in path else ("", "")
    sound = all(part not in {"", ".", ".."} and len(part.encode()) <= _LONGEST_NAME for part in parts)
    return root == "" and sound and "\0" not in path and (len(parts) > 1 or parts[0] not in sites.RESERVED)


def _buckets(missing: Mapping[str, int]) -> Iterator[list[str]]:
    bucket: list[str] = []
    size = 0
    for hash_, more in missing.items():
        if bucket and size + more > _BUCKET:
            yield bucket
            bucket, size = [], 0
        bucket.append(hash_)
        size += more
    if bucket:
        yield bucket


def _sender(cloud: Cloudflare, request: Request) -> Credential:
    """Return the credential of who opened the session whose token a request has. Raises Refusal."""
    return cloud.sessions.of(request.headers.get("authorization"), cloud.clock()).credential


def _send(call: Call) -> Result:
    """Keep the files of a form, each named by its hash."""
    session = call.cloud.sessions.of(call.headers.get("authorization"), call.cloud.clock())
    if call.query.get("base64") != "true":
        raise Refusal(400, (UNKNOWN_CODE, "base64: must be true, and the files be encoded so"))
    try:
        files = {part.name: (b64decode(part.content, validate=True), part) for part in _parts(call)}
    except binascii.Error:
        raise Refusal(400, (UNKNOWN_CODE, "a file of the form is no base64")) from None
    for hash_, (content, _) in files.items():
        if hash_ not in session.hashes.values():
            raise Refusal(400, (UNKNOWN_CODE, f"{hash_}: the session's manifest has no such file"))
        if len(content) != session.missing.get(hash_, len(content)):
            raise Refusal(400, (UNKNOWN_CODE, f"{hash_}: has {len(content)} bytes, and the manifest says otherwise"))
    kept = Sites(call.uploads)
    for hash_, (content, part) in files.items():
        kept.keep(hash_, content, None if part.full_type == _NO_TYPE else part.full_type)
        call.cloud.sessions.arrived(session, hash_)
    if session.missing:
        return Result({}, status=202)
    token = str(call.headers["authorization"]).partition(" ")[2]
    return Result({"jwt": token}, status=201)


def _parts(call: Call) -> list[forms.Part]:
    try:
        return forms.read(call.headers.get("content-type", ""), call.body)
    except forms.NoForm as fault:
        raise Refusal(400, (UNKNOWN_CODE, str(fault))) from None


# The assets of a version


def assets_of(call: Call, body: Mapping[str, Any], before: Record | None) -> dict[str, Any] | None:
    """Return the property that the members ``assets`` and ``keep_assets`` of an upload's body stand for, None where it
    has no assets. Raises Refusal."""
    said = body.get("assets")
    if said is None:
        kept = before.inputs.get("assets") if before and body.get("keep_assets") else None
        return dict(kept) if kept else None
    if not isinstance(said, dict):
        raise Refusal(400, (INVALID, "assets: must be {jwt, config}"))
    config = said.get("config") or {}
    faults = [*_faults_of_assets(said), *_faults_of_config(config)]
    if faults:
        raise Refusal(400, *((INVALID, fault) for fault in faults))
    session = call.cloud.sessions.complete(said["jwt"], call.credential.account, call.cloud.clock())
    site = Sites(call.uploads)
    files = {path: asset for path, hash_ in session.hashes.items() if (asset := site.known(hash_)) is not None}
    texts = {name: config[name] for name in (sites.HEADERS, sites.REDIRECTS) if config.get(name)}
    told = {
        "htmlHandling": config.get("html_handling"),
        "notFoundHandling": config.get("not_found_handling"),
        "runWorkerFirst": config.get(_FIRST),
    }
    digest = site.build(files, texts)
    return {
        "assetManifestSha256": digest,
        "config": {name: value for name, value in told.items() if value is not None},
    }


def _faults_of_assets(said: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(said.keys() - {"jwt", "config"}):
        yield f"assets.{name}: nothing of a client's disk can be read here; send the jwt of an upload session"
    if not isinstance(said.get("jwt"), str):
        yield "assets.jwt: is required; assets-upload-session answers it"


def _faults_of_config(config: Any) -> Iterator[str]:
    if not isinstance(config, dict):
        yield "assets.config: must be an object"
        return
    place = "assets.config"
    for name in sorted(config.keys() - {*_HANDLINGS, _FIRST, sites.HEADERS, sites.REDIRECTS, "base_path"}):
        yield f"{place}.{name}: the local Cloudflare knows no such setting of assets"
    for name, values in _HANDLINGS.items():
        if config.get(name) not in {None, *values}:
            yield f"{place}.{name}: must be one of {', '.join(values)}"
    for name in (sites.HEADERS, sites.REDIRECTS):
        if not isinstance(config.get(name, ""), str | None):
            yield f"{place}.{name}: must be the text of the file"
    if config.get("base_path") not in {None, "/"}:
        yield f"{place}.base_path: the local Cloudflare serves assets from / only"
    match config.get(_FIRST):
        case bool() | None:
            return
        case list() as rules:
            yield from (f"{place}.{_FIRST}: {fault}" for fault in _faults_of_rules(rules))
        case _:
            yield f"{place}.{_FIRST}: must be true, false or a list of rules"


def _faults_of_rules(rules: list[Any]) -> Iterator[str]:
    if len(rules) > _MOST_RULES:
        yield f"has {len(rules)} rules, and at most {_MOST_RULES} are taken"
    texts = [rule for rule in rules if isinstance(rule, str)]
    if not any(rule.startswith("/") for rule in texts):
        yield "at least one rule must begin with /"
    for rule in rules:
        if not isinstance(rule, str) or not rule.startswith(("/", "!/")):
            yield f"{json.dumps(rule)} must begin with / or !/"
        elif len(rule) > _LONGEST_RULE:
            yield f"{rule} has more than {_LONGEST_RULE} characters"
        elif texts.count(rule) > 1:
            yield f"{rule} is there more than once"
        elif rule.endswith("*"):
            same = [other for other in texts if other != rule and other.startswith(rule[:-1])]
            yield from (f"{other} says nothing that {rule} does not" for other in same)


ROUTES: Final[tuple[Route, ...]] = (
    Route("POST", f"{SCRIPT}/assets-upload-session", _open, "script_name"),
    Route("POST", "/accounts/{account_id}/workers/assets/upload", _send, signer=_sender),
)
